import ArgumentParser
import Foundation
import PliniusVerifier

/// What the makers say of their platforms, from files: bundles that somebody signed, and single files as the makers hand them out.
///
/// A single file needs no signature but its maker's, which is checked while judging. Who may certify TPMs comes from bundles alone.
struct CollateralFiles: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "What the makers say of their platforms: files as they hand them out, which plinius-owner collateral import lists, or a signed bundle. May be repeated.",
            valueName: "file"))
    var collateral: [String] = []

    @Option(
        help: ArgumentHelp(
            "Whose bundles of collateral are believed: ed25519:HEX, p256:HEX, or a file with such lines. May be repeated.",
            valueName: "key"))
    var collateralKey: [String] = []

    /// Reads the files, in their order.
    /// - Throws: `OwnerError` with the file and the check that failed: `integrity` for a bundle, `usage` for what is none of these files.
    func read() throws(OwnerError) -> Collateral {
        var keys: [CollateralKey] = []
        for text in collateralKey { keys += try CollateralKey.keys(option: text) }
        var store = CollateralStore(trusted: keys)
        var files = CollateralImport()
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
                    try files.add(bytes)
                }
            } catch {
                throw OwnerError(
                    error.check.hasPrefix("collateral.bundle.") ? .integrity : .usage,
                    "\(path): the check \(error.check) failed: expected \(error.expected), found \(error.found)")
            }
        }
        let content: CollateralContent
        do throws(EvidenceError) { content = try files.content() } catch {
            throw OwnerError(
                .usage,
                "--collateral: the check \(error.check) failed: expected \(error.expected), found \(error.found)"
            )
        }
        var all = store.collateral
        all.intel += content.intel
        all.amdCertificates += content.amdCertificates
        all.amdRevocationLists += content.amdRevocationLists
        all.nvidiaRevocationLists += content.nvidiaRevocationLists
        all.endorsementIntermediates += content.endorsementIntermediates
        return all
    }
}

extension CollateralKey {
    private static let format = "give ed25519: and 32 bytes, or p256: and 64 bytes, in hexadecimal"

    /// Reads `ed25519:HEX` or `p256:HEX`, or the lines of the file that is named.
    static func keys(option: String) throws(OwnerError) -> [CollateralKey] {
        if let key = CollateralKey(text: option) { return [key] }
        // What has a colon and names no file was meant to be a key.
        guard !option.contains(":") || FileManager.default.fileExists(atPath: option) else {
            throw OwnerError(.usage, "--collateral-key is \"\(option)\": \(format)")
        }
        let text = String(decoding: try EvidenceFiles.bytes(option, as: "collateral key"), as: UTF8.self)
        var keys: [CollateralKey] = []
        for line in text.split(whereSeparator: \.isNewline) {
            guard let key = CollateralKey(text: line.trimmingCharacters(in: .whitespaces)) else {
                throw OwnerError(.usage, "\(option) has the line \"\(line)\": \(format)")
            }
            keys.append(key)
        }
        guard !keys.isEmpty else { throw OwnerError(.usage, "\(option) is empty: \(format)") }
        return keys
    }

    private init?(text: String) {
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        guard parts.count == 2, let bytes = [UInt8](hexadecimal: parts[1]) else { return nil }
        switch (parts[0], bytes.count) {
        case ("ed25519", 32): self = .ed25519(bytes)
        case ("p256", 64): self = .p256(bytes)
        default: return nil
        }
    }
}

extension CollateralBundle {
    static func isOne(_ bytes: [UInt8]) -> Bool { bytes.starts(with: "PLINIUSC".utf8) }
}
