import ArgumentParser
import Foundation
import PliniusVerifier

/// What the makers say of their platforms, from files: bundles that somebody signed, and single files as the makers hand them out.
///
/// A single file needs no signature but its maker's, which is checked while judging. Who may certify TPMs comes from bundles alone.
struct CollateralFiles: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "What the makers say of their platforms: Intel's statements in JSON, revocation lists and AMD's certificates in DER or PEM, or a signed bundle. May be repeated.",
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
        for text in collateralKey { keys += try Self.keys(text) }
        var store = CollateralStore(trusted: keys)
        var content = CollateralContent()
        for path in collateral {
            let bytes = try Self.bytes(path, as: "collateral", atMost: CollateralBundle.maximumByteCount)
            let isBundle = bytes.starts(with: "PLINIUSC".utf8)
            do throws(EvidenceError) {
                if isBundle { try store.add(bytes) } else { try Self.add(bytes, to: &content) }
            } catch {
                throw OwnerError(
                    isBundle ? .integrity : .usage,
                    "\(path): the check \(error.check) failed: expected \(error.expected), found \(error.found)")
            }
        }
        var all = store.collateral
        all.intel += content.intel
        all.amdCertificates += content.amdCertificates
        all.amdRevocationLists += content.amdRevocationLists
        all.nvidiaRevocationLists += content.nvidiaRevocationLists
        return all
    }

    // MARK: Files

    /// Adds a file as its content tells.
    private static func add(_ bytes: [UInt8], to content: inout CollateralContent) throws(EvidenceError) {
        let start = bytes.first { ![9, 10, 13, 32].contains($0) }
        if start == UInt8(ascii: "{") { return try content.addIntel(json: bytes) }
        var lists = CollateralContent()
        do throws(EvidenceError) { try lists.addAMDRevocationList(bytes) } catch {
            return try content.addAMDCertificates(bytes)
        }
        for list in lists.amdRevocationLists {
            // Only where it will be looked for: whose it is, judging finds out.
            if String(decoding: list, as: UTF8.self).contains("NVIDIA") {
                content.nvidiaRevocationLists.append(list)
            } else {
                content.amdRevocationLists.append(list)
            }
        }
    }

    /// The key that an option is, or those in the file that it names.
    private static func keys(_ option: String) throws(OwnerError) -> [CollateralKey] {
        if let key = key(option) { return [key] }
        guard !option.hasPrefix("ed25519:"), !option.hasPrefix("p256:") else {
            throw OwnerError(.usage, "--collateral-key is \"\(option)\": \(keyFormat)")
        }
        let text = String(decoding: try bytes(option, as: "collateral key", atMost: 1 << 16), as: UTF8.self)
        var keys: [CollateralKey] = []
        for line in text.split(whereSeparator: \.isNewline) {
            let line = line.trimmingCharacters(in: .whitespaces)
            guard let key = key(line) else {
                throw OwnerError(.usage, "\(option) has the line \"\(line)\": \(keyFormat)")
            }
            keys.append(key)
        }
        guard !keys.isEmpty else { throw OwnerError(.usage, "\(option) is empty: \(keyFormat)") }
        return keys
    }

    private static let keyFormat = "give ed25519: and 32 bytes, or p256: and 64 bytes, in hexadecimal"

    private static func key(_ text: String) -> CollateralKey? {
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { return nil }
        let digits = parts[1].map(\.hexDigitValue)
        guard digits.count.isMultiple(of: 2), !digits.contains(nil) else { return nil }
        let bytes = stride(from: 0, to: digits.count, by: 2).map {
            UInt8((digits[$0] ?? 0) << 4 | (digits[$0 + 1] ?? 0))
        }
        return switch (parts[0], bytes.count) {
        case ("ed25519", 32): .ed25519(bytes)
        case ("p256", 64): .p256(bytes)
        default: nil
        }
    }

    private static func bytes(_ path: String, as role: String, atMost limit: Int) throws(OwnerError) -> [UInt8] {
        let data: Data
        do {
            let handle = try FileHandle(forReadingFrom: URL(filePath: path))
            defer { try? handle.close() }
            data = try handle.read(upToCount: limit + 1) ?? Data()
        } catch { throw OwnerError(.usage, "the \(role) \(path) cannot be read: \(error.localizedDescription)") }
        guard data.count <= limit else {
            throw OwnerError(.usage, "the \(role) \(path) is longer than \(limit) bytes")
        }
        return [UInt8](data)
    }
}
