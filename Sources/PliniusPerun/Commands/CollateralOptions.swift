import ArgumentParser
import PliniusVerifier

/// What the makers say of their platforms, from signed bundles.
struct CollateralOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A signed bundle of what the makers say of their platforms. May be repeated.", valueName: "file"))
    var collateral: [String] = []

    @Option(
        help: ArgumentHelp(
            "Whose bundles are believed: ed25519:HEX or p256:HEX. May be repeated.", valueName: "key"))
    var collateralKey: [String] = []

    /// - Throws: ``CommandError`` with the file and the check that failed.
    func read() throws(CommandError) -> Collateral {
        var keys: [CollateralKey] = []
        for text in collateralKey {
            let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
            let bytes = parts.count == 2 ? [UInt8](hexadecimal: parts[1]) : nil
            switch (parts.first, bytes?.count) {
            case ("ed25519", 32): keys.append(.ed25519(bytes ?? []))
            case ("p256", 64): keys.append(.p256(bytes ?? []))
            default:
                throw CommandError(
                    .usage,
                    "--collateral-key is \(text): give ed25519: and 32 bytes, or p256: and 64, in hexadecimal")
            }
        }
        var store = CollateralStore(trusted: keys)
        for path in collateral {
            let bytes = try Files.bytes(path, as: "collateral")
            do throws(EvidenceError) { try store.add(bytes) } catch {
                throw CommandError(
                    .refused,
                    "\(path): the check \(error.check) failed: expected \(error.expected), found \(error.found)")
            }
        }
        return store.collateral
    }
}
