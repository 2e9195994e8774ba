import ArgumentParser
import Foundation
import PliniusVerifier

/// What an owner does with the statements of platforms' makers.
struct CollateralCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "collateral",
        abstract: "Imports what the makers of platforms say into signed bundles, and shows bundles.",
        subcommands: [CollateralImportCommand.self, CollateralShowCommand.self])
}

/// Makes a bundle out of makers' files, or the next of a series.
struct CollateralImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Signs the makers' files into one bundle that is judged with offline, or into the next of a series.",
        discussion: """
            Files are taken as the makers hand them out, and known by their content: Intel's TCB info and QE identity in JSON, with the \
            headers of the answer (curl -i) or the chain of their signer in PEM beside them, or all in one JSON; revocation lists of \
            Intel, AMD and NVIDIA in DER, PEM or hexadecimal digits; AMD's certificates; certificates between makers of TPMs and their \
            endorsement keys.

            With --from a bundle is gone on from: what it had stays, and newer statements take the place of older ones. A number that is \
            not higher, and a statement that is older than the one there is, are refused.

            Exit codes: 0 written, 2 bad usage or no file of a maker's, 3 the bundle to go on from is refused, or a rollback.
            """,
        aliases: ["make"])

    @Option(help: "32 secret bytes, as plinius-owner keygen makes them; for this purpose alone.") var key: String

    @Option(help: "What the bundles are called that replace each other; as before, with --from.") var series: String?

    @Option(help: "The bundle's number, higher than those before it; 1, or the next with --from.") var serial: UInt64?

    @Option(help: ArgumentHelp("The bundle to go on from.", valueName: "file")) var from: String?

    @Option(help: "For how many days it is good.") var days: Int = 30

    @Option(help: "The instant of issue, such as 2025-07-01T00:00:00Z; now if there is none.") var now: String?

    @Option(
        help: ArgumentHelp(
            "Certificates of makers of TPMs that endorsement keys' chains may end at, DER or PEM. May be repeated.",
            valueName: "file"))
    var endorsement: [String] = []

    @Option(
        help: ArgumentHelp(
            "Reference values: ima, boot-log or nvidia, the name that policies use, and a file with a digest and what it is of in each line. May be repeated.",
            valueName: "purpose:name=file"))
    var reference: [String] = []

    @Option(help: "The file to write; the one of --from may be written over.") var out: String

    @Argument(help: "The makers' files.") var files: [String] = []

    func run() throws {
        try reporting {
            guard (1...3_650).contains(days) else {
                throw OwnerError(.usage, "--days is \(days): give 1 to 3650")
            }
            let signer: CollateralSigningKey
            let seed = try EvidenceFiles.bytes(key, as: "key")
            do throws(EvidenceError) { signer = try CollateralSigningKey(ed25519: seed) } catch {
                throw OwnerError(.usage, "\(key): \(error)")
            }
            let old = try from.map { path throws(OwnerError) in try previous(path, signer) }
            let (series, serial) = try identity(after: old)
            let content = try content(onto: old)
            let issued = try JudgingClock(now: now).now
            let bundle = CollateralBundle(
                series: series, serial: serial, issued: issued,
                expires: Instant(seconds: issued.seconds + Int64(days) * 86_400), content: content)
            let file = try AtomicFile.create(out, overwriting: out == from)
            try file.write(try bundle.signed(with: signer))
            try file.publish(overwriting: out == from)
            print("\(out): number \(serial) of \(series), good until \(bundle.expires)")
            if let first = content.firstExpiry, first.instant < bundle.expires {
                printError("warning: \(first.what) is out of date after \(first.instant), before the bundle is")
            }
            print("judge with --collateral \(out) --collateral-key \(signer.publicKey)")
        }
    }

    private func previous(_ path: String, _ signer: CollateralSigningKey) throws(OwnerError) -> CollateralBundle {
        let bytes = try EvidenceFiles.bytes(path, as: "bundle")
        do throws(EvidenceError) { return try CollateralBundle(bytes, signedBy: [signer.publicKey]) } catch {
            throw OwnerError(
                .integrity,
                "\(path): the check \(error.check) failed: expected \(error.expected), found \(error.found)")
        }
    }

    private func identity(after old: CollateralBundle?) throws(OwnerError) -> (series: String, serial: UInt64) {
        guard let series = series ?? old?.series else {
            throw OwnerError(.usage, "--series: say what the bundles are called that replace each other")
        }
        guard let old else { return (series, serial ?? 1) }
        guard series == old.series else {
            throw OwnerError(.usage, "--series is \(series): the bundle to go on from is of \(old.series)")
        }
        let serial = serial ?? (old.serial < .max ? old.serial + 1 : .max)
        guard serial > old.serial else {
            throw OwnerError(
                .integrity,
                "the check collateral.bundle.serial failed: expected a number after \(old.serial), found \(serial)")
        }
        return (series, serial)
    }

    private func content(onto old: CollateralBundle?) throws(OwnerError) -> CollateralContent {
        var read = CollateralImport()
        func add(_ path: String, _ body: ([UInt8]) throws(EvidenceError) -> Void) throws(OwnerError) {
            let bytes = try EvidenceFiles.bytes(path, as: "collateral")
            do throws(EvidenceError) { try body(bytes) } catch { throw OwnerError(.usage, "\(path): \(error)") }
        }
        for path in files { try add(path) { bytes throws(EvidenceError) in try read.add(bytes) } }
        for path in endorsement {
            try add(path) { bytes throws(EvidenceError) in try read.addEndorsementAuthorities(bytes) }
        }
        for text in reference {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            let words = parts.first?.split(separator: ":", maxSplits: 1).map(String.init) ?? []
            guard parts.count == 2, words.count == 2,
                let purpose = Self.purposes.first(where: { $0.name == words[0] })?.purpose
            else {
                let names = Self.purposes.map(\.name).joined(separator: ", ")
                throw OwnerError(
                    .usage, "--reference is \"\(text)\": give one of \(names), a colon, a name, = and a file")
            }
            try add(parts[1]) { bytes throws(EvidenceError) in
                read.add(try ReferenceList(purpose, words[1], text: String(decoding: bytes, as: UTF8.self)))
            }
        }
        guard !(files + endorsement + reference).isEmpty else {
            throw OwnerError(.usage, "nothing is imported: name the makers' files")
        }
        do throws(EvidenceError) { return try read.content(onto: old?.content ?? CollateralContent()) } catch {
            throw OwnerError(
                error.check == "collateral.import.rollback" ? .integrity : .usage,
                "the check \(error.check) failed: expected \(error.expected), found \(error.found)")
        }
    }

    private static let purposes: [(name: String, purpose: ReferenceList.Purpose)] = [
        ("ima", .ima), ("boot-log", .bootLog), ("nvidia", .nvidia),
    ]
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
        let nvidiaRevocationLists: Int
        let endorsementAuthorities: Int
        let endorsementIntermediates: Int
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
                nvidiaRevocationLists: content.nvidiaRevocationLists.count,
                endorsementAuthorities: content.endorsementAuthorities.count,
                endorsementIntermediates: content.endorsementIntermediates.count,
                referenceLists: content.references.count)
            guard !json else { return print(JSONLine.of(report)) }
            print("series       \(report.series), number \(report.serial)")
            print("good         \(report.issued) to \(report.expires)")
            print("Intel        \(report.intel) platforms")
            print("AMD          \(report.amdCertificates) certificates, \(report.amdRevocationLists) revocation lists")
            print("NVIDIA       \(report.nvidiaRevocationLists) revocation lists")
            print(
                "TPM makers   \(report.endorsementAuthorities) certificates, \(report.endorsementIntermediates) below them"
            )
            let names = content.references.map { "\($0.name) (\($0.purpose), \($0.entries.count) digests)" }.sorted()
            print("references   \(names.isEmpty ? "none" : names.joined(separator: ", "))")
        }
    }
}
