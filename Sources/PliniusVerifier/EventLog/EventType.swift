/// What an event of a boot log says of itself (TCG PC Client Platform Firmware Profile 1.06, section 10.4.1).
package struct EventType: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// A note; the one type that goes into no register.
    package static let noAction = EventType(rawValue: 0x03)
    /// Ends what the firmware measured before it hands over.
    package static let separator = EventType(rawValue: 0x04)
    package static let action = EventType(rawValue: 0x05)
    /// What a boot loader or the kernel's stub measured, behind a tag of its own.
    package static let eventTag = EventType(rawValue: 0x06)
    package static let firmwareVersion = EventType(rawValue: 0x08)
    /// What a boot loader measured: commands, command lines, files.
    package static let initialProgramLoader = EventType(rawValue: 0x0D)
    package static let nonHostInformation = EventType(rawValue: 0x11)
    package static let variableDriverConfiguration = EventType(rawValue: 0x8000_0001)
    package static let variableBoot = EventType(rawValue: 0x8000_0002)
    package static let bootServicesApplication = EventType(rawValue: 0x8000_0003)
    package static let partitionTable = EventType(rawValue: 0x8000_0006)
    package static let efiAction = EventType(rawValue: 0x8000_0007)
    package static let variableBoot2 = EventType(rawValue: 0x8000_000C)
    package static let partitionTable2 = EventType(rawValue: 0x8000_000D)
    package static let variableAuthority = EventType(rawValue: 0x8000_00E0)

    private static let names: [UInt32: String] = [
        0x00: "EV_PREBOOT_CERT", 0x01: "EV_POST_CODE", 0x03: "EV_NO_ACTION", 0x04: "EV_SEPARATOR", 0x05: "EV_ACTION",
        0x06: "EV_EVENT_TAG", 0x07: "EV_S_CRTM_CONTENTS", 0x08: "EV_S_CRTM_VERSION", 0x09: "EV_CPU_MICROCODE",
        0x0A: "EV_PLATFORM_CONFIG_FLAGS", 0x0B: "EV_TABLE_OF_DEVICES", 0x0C: "EV_COMPACT_HASH", 0x0D: "EV_IPL",
        0x0E: "EV_IPL_PARTITION_DATA", 0x0F: "EV_NONHOST_CODE", 0x10: "EV_NONHOST_CONFIG", 0x11: "EV_NONHOST_INFO",
        0x12: "EV_OMIT_BOOT_DEVICE_EVENTS", 0x13: "EV_POST_CODE2", 0x8000_0001: "EV_EFI_VARIABLE_DRIVER_CONFIG",
        0x8000_0002: "EV_EFI_VARIABLE_BOOT", 0x8000_0003: "EV_EFI_BOOT_SERVICES_APPLICATION",
        0x8000_0004: "EV_EFI_BOOT_SERVICES_DRIVER", 0x8000_0005: "EV_EFI_RUNTIME_SERVICES_DRIVER",
        0x8000_0006: "EV_EFI_GPT_EVENT", 0x8000_0007: "EV_EFI_ACTION", 0x8000_0008: "EV_EFI_PLATFORM_FIRMWARE_BLOB",
        0x8000_0009: "EV_EFI_HANDOFF_TABLES", 0x8000_000A: "EV_EFI_PLATFORM_FIRMWARE_BLOB2",
        0x8000_000B: "EV_EFI_HANDOFF_TABLES2", 0x8000_000C: "EV_EFI_VARIABLE_BOOT2", 0x8000_000D: "EV_EFI_GPT_EVENT2",
        0x8000_0010: "EV_EFI_HCRTM_EVENT", 0x8000_00E0: "EV_EFI_VARIABLE_AUTHORITY",
        0x8000_00E1: "EV_EFI_SPDM_FIRMWARE_BLOB", 0x8000_00E2: "EV_EFI_SPDM_FIRMWARE_CONFIG",
    ]
}

extension EventType: CustomStringConvertible {
    package var description: String { Self.names[rawValue] ?? "event type 0x\(String(rawValue, radix: 16))" }
}
