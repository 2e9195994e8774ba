import ArgumentParser
import Foundation
import Glibc
import PliniusVerifier

/// What judging and learning have in common: the evidence, and what is known beside it.
struct EvidenceOptions: ParsableArguments {
    @Argument(help: "The evidence: a file, or a folder whose files belong together.") var evidence: String

    @OptionGroup var collateral: CollateralFiles

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
        var context = Context(now: try JudgingClock(now: now).now, collateral: try collateral.read())
        context.anchors.endorsement += context.collateral.endorsementAuthorities
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
        let digits = text.compactMap(\.hexDigitValue)
        guard digits.count == text.count, digits.count.isMultiple(of: 2) else { return nil }
        self = stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}
