import ArgumentParser
import Crypto
import PliniusSealing
import PliniusVerifier
import PliniusWire
import _PliniusSupport

/// Approves values of a TPM's registers, for restarts after an update.
struct ApproveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve",
        abstract: "Approves values of a TPM's registers, so that a kept key opens there after an update.",
        discussion: """
            The approval key is a file of 32 random bytes, as plinius-owner keygen makes it. Without --out its public half is printed, \
            for the line restart.approvalKey of a policy.

            Which registers count is what the policy says, and which values: those of --evidence, or of --register. Whoever runs the \
            host hands the approval to plinius train --approval. It holds for every key that was kept under this approval key, until \
            the policy has another one.
            """)

    @Option(help: "The key that approves.") var key: String

    @Option(help: "The policy under which the key was released.") var policy: String?

    @Option(help: ArgumentHelp("Evidence with the values, as provision --keep-evidence wrote it.", valueName: "file"))
    var evidence: String?

    @Option(
        help: ArgumentHelp(
            "A value of the SHA-256 bank; may be given several times, and counts before the evidence.",
            valueName: "number:hex"))
    var register: [String] = []

    @Option(help: ArgumentHelp("The approval to write.", valueName: "file")) var out: String?

    func run() throws {
        try reporting {
            let signer = try signingKey()
            let publicKey = Array(signer.publicKey.rawRepresentation)
            guard let out else {
                guard policy == nil, evidence == nil, register.isEmpty else {
                    throw OwnerError(.usage, "--out is missing: name the file for the approval")
                }
                return print(publicKey.hex)
            }
            guard let policy else { throw OwnerError(.usage, "--policy is missing: it says which registers count") }
            let restart = try Policy(file: policy).restart?.value
            guard let restart, let expected = restart.approvalKey else {
                throw OwnerError(.usage, "\(policy) has no line restart.approvalKey: nothing of it can be approved")
            }
            guard expected.value == publicKey else {
                throw OwnerError(
                    .usage,
                    "\(key) is another key than \(expected.line) names: its public half is \(publicKey.hex)")
            }
            let values = try values(of: restart.sealedRegisters)
            for (index, value) in values.sorted(by: { $0.key < $1.key }) { printError("PCR \(index): \(value.hex)") }
            let file = try AtomicFile.create(out)
            try file.write(Array(signer.signature(for: RegisterApproval.message(of: values)).rawRepresentation))
            try file.publish()
            printError("wrote the approval of these \(values.count) values to \(out)")
        }
    }

    private func signingKey() throws(OwnerError) -> P256.Signing.PrivateKey {
        let file = try OpenFile.open(key, as: "approval key")
        let secret: SecretBytes
        do throws(KeyFileError) { secret = try SecretBytes(keyFile: file.descriptor) } catch {
            throw OwnerError(.usage, "\(key): \(error.description)")
        }
        var bytes = unsafe secret.withBytes { unsafe Array($0) }
        defer { wipe(&bytes) }
        guard let signer = try? P256.Signing.PrivateKey(rawRepresentation: bytes) else {
            throw OwnerError(.usage, "\(key) is no key of P-256: make another one with plinius-owner keygen")
        }
        return signer
    }

    private func values(of registers: Set<Int>) throws(OwnerError) -> [Int: [UInt8]] {
        var values = try evidence.map { path throws(OwnerError) in try quoted(in: path) } ?? [:]
        for text in register {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2, let index = Int(parts[0]), (0..<24).contains(index),
                let value = [UInt8](hexadecimal: String(parts[1])), value.count == 32
            else {
                throw OwnerError(
                    .usage, "--register is \(text): a number from 0 to 23, a colon and 32 bytes are expected")
            }
            values[index] = value
        }
        let missing = registers.subtracting(values.keys).sorted()
        guard missing.isEmpty else {
            let names = missing.map(String.init).joined(separator: ", ")
            throw OwnerError(.usage, "there is no value of PCR \(names): give --evidence or --register for each")
        }
        return values.filter { registers.contains($0.key) }
    }

    private func quoted(in path: String) throws(OwnerError) -> [Int: [UInt8]] {
        let bytes = try EvidenceFiles.bytes(path, as: "evidence")
        let registers: PCRValues?
        do {
            let tpm = try EvidenceBundle(decoding: bytes).evidence.first { $0.kind == .tpm }
            registers = try tpm?["pcrs"].map { try PCRValues(decoding: $0) }
        } catch { throw OwnerError(.integrity, "\(path) is no evidence that plinius-owner provision kept: \(error)") }
        guard let registers else { throw OwnerError(.usage, "\(path) has no evidence of a TPM") }
        var values: [Int: [UInt8]] = [:]
        for (register, value) in registers.values where register.bank == 0x000B {
            guard register.index < 24, value.count == 32 else {
                throw OwnerError(
                    .integrity, "\(path): PCR \(register.index) has \(value.count) bytes, 32 are expected")
            }
            values[Int(register.index)] = value
        }
        return values
    }
}
