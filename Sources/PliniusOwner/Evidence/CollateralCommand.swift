import ArgumentParser
import Foundation
import PliniusVerifier

/// What an owner does with the statements of platforms' makers.
struct CollateralCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "collateral",
        abstract: "Signs what the makers of platforms say into a bundle, and shows bundles.",
        subcommands: [CollateralMakeCommand.self, CollateralShowCommand.self])
}

/// Makes a bundle.
struct CollateralMakeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "make", abstract: "Signs statements of Intel and AMD into one file that is judged with offline.")

    @Option(help: "32 secret bytes, as plinius-owner keygen makes them; for this purpose alone.") var key: String

    @Option(help: "What the bundles are called that replace each other.") var series: String

    @Option(help: "The bundle's number, higher than those before it.") var serial: UInt64

    @Option(help: "For how many days it is good.") var days: Int = 30

    @Option(help: "The instant of issue, such as 2025-07-01T00:00:00Z; now if there is none.") var now: String?

    @Option(help: "The file to write.") var out: String

    @Argument(help: "Intel's statements in JSON, AMD's certificates and revocation lists in DER or PEM.")
    var files: [String]

    func run() throws {
        try reporting {
            guard (1...3_650).contains(days) else {
                throw OwnerError(.usage, "--days is \(days): give 1 to 3650")
            }
            var content = CollateralContent()
            for path in files {
                let bytes = try EvidenceFiles.bytes(path, as: "collateral")
                do throws(EvidenceError) { try content.add(bytes) } catch {
                    throw OwnerError(.usage, "\(path): \(error)")
                }
            }
            let signer: CollateralSigningKey
            let seed = try EvidenceFiles.bytes(key, as: "key")
            do throws(EvidenceError) { signer = try CollateralSigningKey(ed25519: seed) } catch {
                throw OwnerError(.usage, "\(key): \(error)")
            }
            let issued = try JudgingClock(now: now).now
            let bundle = CollateralBundle(
                series: series, serial: serial, issued: issued,
                expires: Instant(seconds: issued.seconds + Int64(days) * 86_400), content: content)
            let file = try AtomicFile.create(out)
            try file.write(try bundle.signed(with: signer))
            try file.publish()
            print("\(out): number \(serial) of \(series), good until \(bundle.expires)")
            print("judge with --collateral \(out) --collateral-key \(signer.publicKey)")
        }
    }
}

/// Shows a bundle.
struct CollateralShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Checks a bundle's signature, and shows what is in it.")

    @Argument(help: "The bundle.") var file: String

    @Option(help: ArgumentHelp("Whose bundles are believed: ed25519:HEX or p256:HEX.", valueName: "key"))
    var collateralKey: [String]

    @Flag(help: "Print one JSON object.") var json = false

    private struct Report: Encodable {
        let series: String
        let serial: UInt64
        let issued: String
        let expires: String
        let intel: Int
        let amdCertificates: Int
        let amdRevocationLists: Int
        let endorsementAuthorities: Int
        let referenceLists: Int
    }

    func run() throws {
        try reporting {
            var keys: [CollateralKey] = []
            for text in collateralKey { keys += try CollateralKey.keys(option: text) }
            let bytes = try EvidenceFiles.bytes(file, as: "bundle")
            let bundle: CollateralBundle
            do throws(EvidenceError) { bundle = try CollateralBundle(bytes, signedBy: keys) } catch {
                throw OwnerError(
                    .integrity,
                    "\(file): the check \(error.check) failed: expected \(error.expected), found \(error.found)")
            }
            let content = bundle.content
            let report = Report(
                series: bundle.series, serial: bundle.serial, issued: bundle.issued.description,
                expires: bundle.expires.description, intel: content.intel.count,
                amdCertificates: content.amdCertificates.count, amdRevocationLists: content.amdRevocationLists.count,
                endorsementAuthorities: content.endorsementAuthorities.count, referenceLists: content.references.count)
            guard !json else { return print(JSONLine.of(report)) }
            print("series       \(report.series), number \(report.serial)")
            print("good         \(report.issued) to \(report.expires)")
            print("Intel        \(report.intel) platforms")
            print("AMD          \(report.amdCertificates) certificates, \(report.amdRevocationLists) revocation lists")
            print("TPM makers   \(report.endorsementAuthorities) certificates")
            print("references   \(report.referenceLists) lists")
        }
    }
}
