/// A variable of the firmware, as an event holds it (UEFI_VARIABLE_DATA; TCG PC Client Platform Firmware Profile 1.06, section 10.2.6).
package struct UEFIVariable: Hashable, Sendable {
    /// The namespaces of the variables that decide what may boot.
    package enum Namespace {
        /// EFI_GLOBAL_VARIABLE 8be4df61-93ca-11d2-aa0d-00e098032b8c: `SecureBoot`, `PK`, `KEK`.
        package static let global: [UInt8] = [
            0x61, 0xDF, 0xE4, 0x8B, 0xCA, 0x93, 0xD2, 0x11, 0xAA, 0x0D, 0x00, 0xE0, 0x98, 0x03, 0x2B, 0x8C,
        ]
        /// EFI_IMAGE_SECURITY_DATABASE_GUID d719b2cb-3d3a-4596-a3bc-dad00e67656f: `db`, `dbx`.
        package static let imageSecurity: [UInt8] = [
            0xCB, 0xB2, 0x19, 0xD7, 0x3A, 0x3D, 0x96, 0x45, 0xA3, 0xBC, 0xDA, 0xD0, 0x0E, 0x67, 0x65, 0x6F,
        ]
        /// The shim's 605dab50-e046-4300-abb6-3dd810dd8b23: `MokList`, `MokSBState`, `SbatLevel`.
        package static let shim: [UInt8] = [
            0x50, 0xAB, 0x5D, 0x60, 0x46, 0xE0, 0x00, 0x43, 0xAB, 0xB6, 0x3D, 0xD8, 0x10, 0xDD, 0x8B, 0x23,
        ]
    }

    /// 16 bytes, as they lie in memory.
    package let namespace: [UInt8]
    package let name: String
    package let value: [UInt8]
    /// Whether the bytes end with the value.
    package let isExact: Bool

    /// Reads namespace, two lengths, name in UTF-16 and value; `nil` if they are not all there.
    package init?(_ bytes: ArraySlice<UInt8>) {
        var cursor = ByteCursor(bytes, format: "bootlog.variable")
        do throws(EvidenceError) {
            namespace = try cursor.bytes(16)
            let nameLength = try cursor.little(UInt64.self)
            let valueLength = try cursor.little(UInt64.self)
            guard nameLength <= 512, valueLength <= UInt64(cursor.remaining) else { return nil }
            var units: [UInt16] = []
            for _ in 0..<nameLength { units.append(try cursor.little()) }
            // The shim counts the NUL, the firmware does not.
            if units.last == 0 { units.removeLast() }
            name = String(decoding: units, as: UTF16.self)
            value = try cursor.bytes(Int(valueLength))
            isExact = cursor.remaining == 0
        } catch {
            return nil
        }
    }
}

/// One entry of a signature database: what may sign what boots, or may not.
package struct UEFISignature: Hashable, Sendable {
    /// What the entry holds.
    package enum Kind: Hashable, Sendable {
        /// EFI_CERT_X509_GUID a5c059a1-94e4-4aa7-87b5-ab155c2bf072: a certificate in DER.
        case certificate
        /// EFI_CERT_SHA256_GUID c1c41626-504c-4092-aca9-41f936934328: the Authenticode digest of a program.
        case sha256
        case other
    }

    package let kind: Kind
    /// Whoever put it there, 16 bytes.
    package let owner: [UInt8]
    package let data: [UInt8]

    private static let certificate: [UInt8] = [
        0xA1, 0x59, 0xC0, 0xA5, 0xE4, 0x94, 0xA7, 0x4A, 0x87, 0xB5, 0xAB, 0x15, 0x5C, 0x2B, 0xF0, 0x72,
    ]
    private static let sha256: [UInt8] = [
        0x26, 0x16, 0xC4, 0xC1, 0x4C, 0x50, 0x92, 0x40, 0xAC, 0xA9, 0x41, 0xF9, 0x36, 0x93, 0x43, 0x28,
    ]

    /// Reads EFI_SIGNATURE_LISTs up to the last byte (UEFI specification 2.10, section 32.4.1); `nil` if they are not well formed.
    package static func list(_ bytes: [UInt8]) -> [UEFISignature]? {
        var cursor = ByteCursor(bytes, format: "bootlog.variable")
        var signatures: [UEFISignature] = []
        do throws(EvidenceError) {
            while cursor.remaining > 0 {
                let type = try cursor.bytes(16)
                let listSize = Int(try cursor.little(UInt32.self))
                let headerSize = Int(try cursor.little(UInt32.self))
                let size = Int(try cursor.little(UInt32.self))
                guard size >= 16, listSize >= 28 + headerSize, (listSize - 28 - headerSize).isMultiple(of: size) else {
                    return nil
                }
                _ = try cursor.bytes(headerSize)
                let kind: Kind = type == certificate ? .certificate : type == sha256 ? .sha256 : .other
                for _ in 0..<(listSize - 28 - headerSize) / size {
                    let owner = try cursor.bytes(16)
                    signatures.append(UEFISignature(kind: kind, owner: owner, data: try cursor.bytes(size - 16)))
                }
            }
        } catch {
            return nil
        }
        return signatures
    }
}
