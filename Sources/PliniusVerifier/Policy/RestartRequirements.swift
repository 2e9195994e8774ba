import Crypto
import PliniusWire

/// Whether, and how, an enclave may keep a granted key, so that a restart needs no owner.
public struct RestartRequirements: Sendable {
    /// Lets the enclave have the key sealed by its platform; without it each start asks the owner.
    public var keepsKey: Setting<Bool>?
    /// Registers of the TPM's SHA-256 bank that have to be as they were, where a TPM seals.
    public var registers: Setting<Set<Int>>?
    /// The P-256 key, x and y, that approves other values of them.
    public var approvalKey: Setting<[UInt8]>?

    public init() {}

    /// Firmware, boot loader and its state, Shim's keys.
    ///
    /// IMA's register is not among them: it changes with every program.
    public static let defaultRegisters = Set(Array(0...7) + [14])

    /// The registers that count.
    public var sealedRegisters: Set<Int> { registers?.value ?? Self.defaultRegisters }
}

extension RestartRequirements {
    init(_ map: inout PolicyMap, _ purposes: Set<RuntimeData.Purpose>) {
        self.init()
        keepsKey = map.bool("keepKey")
        registers = map.integers("registers", 0...23)
        approvalKey = map.bytes("approvalKey", 64)
        if keepsKey?.value != true, map.has("registers") || map.has("approvalKey") {
            map.refuse("keepKey: true, without which registers and approvals have no effect", "neither kept")
        }
        if let keepsKey, keepsKey.value, !purposes.contains(.train) {
            map.refuse("keepKey", keepsKey.line.line, "train among the purposes: no other key is kept", "none")
        }
        if let registers, registers.value.isEmpty {
            map.refuse("registers", registers.line.line, "at least one register", "none")
        }
        if let approvalKey, (try? P256.Signing.PublicKey(rawRepresentation: approvalKey.value)) == nil {
            map.refuse("approvalKey", approvalKey.line.line, "x and y of a point of P-256", "another pair of numbers")
        }
    }
}

extension Policy {
    /// What the grant says of restarts; `nil` if the key may not be kept.
    var restartTerms: GrantTerms.Restart? {
        guard let restart = restart?.value, restart.keepsKey?.value == true else { return nil }
        return GrantTerms.Restart(
            registers: Set(restart.sealedRegisters.map { UInt8($0) }), approvalKey: restart.approvalKey?.value ?? [],
            allowsSimulation: level.value == .test)
    }
}
