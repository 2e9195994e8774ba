import ArgumentParser
import Foundation
import Glibc
import PliniusVerifier

/// What judging and learning have in common: the evidence, and what is known beside it.
struct EvidenceOptions: ParsableArguments {
    @Argument(help: "The evidence: a file, or a folder whose files belong together.") var evidence: String

    @Option(
        help: ArgumentHelp(
            "What the makers say of their platforms: Intel's statements in JSON, AMD's certificates and revocation lists, or a signed bundle.",
            valueName: "file"))
    var collateral: [String] = []

    @Option(
        help: ArgumentHelp(
            "Whose bundles of collateral are believed: ed25519:HEX or p256:HEX.", valueName: "key"))
    var collateralKey: [String] = []

    @Option(
        help: ArgumentHelp("What a TEE's report data have to be; zeros are appended.", valueName: "hex"))
    var reportData: String?

    @Option(
        help: ArgumentHelp("What the nonce of a TPM's quote or a GPU's report has to be.", valueName: "hex"))
    var nonce: String?

    @Option(
        help: ArgumentHelp(
            "What register 10 was when an IMA log without a quote was read, such as sha256:c4a06563…",
            valueName: "bank:hex"))
    var register: [String] = []

    @Option(help: ArgumentHelp("The kernel's IMA log, if it lies elsewhere.", valueName: "file")) var imaLog: String?

    @Option(help: "The instant to judge at, such as 2025-07-01T00:00:00Z; now if there is none.") var now: String?
}

extension EvidenceOptions {
    /// Reads the evidence.
    /// - Throws: `OwnerError` if it is none that is known, or malformed.
    func stored() throws(OwnerError) -> StoredEvidence {
        let files = try EvidenceFiles.read(evidence)
        let log = try imaLog.map { path throws(OwnerError) in try EvidenceFiles.bytes(path, as: "IMA log") }
        do throws(EvidenceError) {
            let stored = try StoredEvidence(files: files)
            guard let log else { return stored }
            return try stored.with(imaLog: log)
        } catch {
            let reason = "the check \(error.check) failed: expected \(error.expected), found \(error.found)"
            throw OwnerError(error.check == "stored.format" ? .usage : .integrity, "\(evidence): \(reason)")
        }
    }

    func expectations() throws(OwnerError) -> StoredExpectations {
        var expected = StoredExpectations()
        if let reportData {
            let bytes = try octets(reportData, "--report-data")
            guard bytes.count <= 64 else {
                throw OwnerError(.usage, "--report-data has \(bytes.count) bytes: give at most 64")
            }
            expected.reportData = bytes
        }
        if let nonce { expected.nonce = try octets(nonce, "--nonce") }
        for text in register {
            let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
            guard let bank = HashAlgorithm.allCases.first(where: { $0.description == parts.first }), parts.count == 2
            else {
                let banks = HashAlgorithm.allCases.map(\.description).joined(separator: ", ")
                throw OwnerError(.usage, "--register is \"\(text)\": give one of \(banks), a colon and a value")
            }
            let value = try octets(parts[1], "--register")
            guard value.count == bank.byteCount else {
                throw OwnerError(
                    .usage, "--register has \(value.count) bytes: a register of \(bank) has \(bank.byteCount)")
            }
            expected.registers[bank] = value
        }
        return expected
    }

    func context() throws(OwnerError) -> Context {
        let now = try JudgingClock(now: now).now
        let keys = try collateralKey.map { text throws(OwnerError) in try CollateralKey(option: text) }
        var store = CollateralStore(trusted: keys)
        var content = CollateralContent()
        for path in collateral {
            let bytes = try EvidenceFiles.bytes(path, as: "collateral")
            do throws(EvidenceError) {
                if CollateralBundle.isOne(bytes) {
                    guard !keys.isEmpty else {
                        throw EvidenceError(
                            "collateral.bundle.signer",
                            expected: "--collateral-key, which says whose bundles are believed",
                            found: "none")
                    }
                    try store.add(bytes)
                } else {
                    try content.add(bytes)
                }
            } catch {
                throw OwnerError(
                    error.check.hasPrefix("collateral.bundle.") ? .integrity : .usage,
                    "\(path): the check \(error.check) failed: expected \(error.expected), found \(error.found)")
            }
        }
        var all = store.collateral
        all.intel += content.intel
        all.amdCertificates += content.amdCertificates
        all.amdRevocationLists += content.amdRevocationLists
        var context = Context(now: now, collateral: all)
        context.anchors.endorsement += all.endorsementAuthorities
        return context
    }

    private func octets(_ text: String, _ option: String) throws(OwnerError) -> [UInt8] {
        guard let bytes = [UInt8](hexadecimal: text) else {
            throw OwnerError(.usage, "\(option) is \"\(text)\": give pairs of hexadecimal digits")
        }
        return bytes
    }
}

extension [UInt8] {
    /// Pairs of hexadecimal digits, or `nil`.
    init?(hexadecimal text: String) {
        let digits = text.map(\.hexDigitValue)
        guard digits.count.isMultiple(of: 2), !digits.contains(nil) else { return nil }
        self = stride(from: 0, to: digits.count, by: 2).map { UInt8((digits[$0] ?? 0) << 4 | (digits[$0 + 1] ?? 0)) }
    }
}

extension CollateralKey {
    /// Reads `ed25519:HEX`, `p256:HEX`.
    init(option text: String) throws(OwnerError) {
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        let bytes = parts.count == 2 ? [UInt8](hexadecimal: parts[1]) : nil
        switch (parts.first, bytes?.count) {
        case ("ed25519", 32): self = .ed25519(bytes ?? [])
        case ("p256", 64): self = .p256(bytes ?? [])
        default:
            throw OwnerError(
                .usage,
                "--collateral-key is \"\(text)\": give ed25519: and 32 bytes, or p256: and 64 bytes, in hexadecimal")
        }
    }
}

extension CollateralBundle {
    static func isOne(_ bytes: [UInt8]) -> Bool { bytes.starts(with: "PLINIUSC".utf8) }
}

extension CollateralContent {
    /// Adds a file of Intel's or AMD's, as its content tells.
    /// - Throws: what the file is refused for.
    mutating func add(_ bytes: [UInt8]) throws(EvidenceError) {
        let start = bytes.first { ![9, 10, 13, 32].contains($0) }
        if start == UInt8(ascii: "{") { return try addIntel(json: bytes) }
        do throws(EvidenceError) { try addAMDRevocationList(bytes) } catch { try addAMDCertificates(bytes) }
    }
}
