import ArgumentParser
import PliniusPerunClient
import PliniusPolicy

/// The manager's log, and whether it is what it was.
struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Fetches the manager's log, and verifies it without the manager.",
        subcommands: [Head.self, Log.self, Verify.self])

    struct Head: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "head",
            abstract: "Fetches the signed head of the log: keep it, to find out later whether the log was rewritten.",
            discussion: """
                With --kept, the manager has to prove that its log only grew since that head.

                Exit codes: 0 signed by the manager, 20 it is not, or the growth is not proven, 22 older than the kept head, or another \
                log, 23 another manager.
                """)

        @OptionGroup var manager: ManagerOptions

        @Option(help: ArgumentHelp("Keep the head in this file.", valueName: "file")) var out: String?

        @Option(help: ArgumentHelp("A head that was kept earlier.", valueName: "file")) var kept: String?

        func run() async throws {
            try await reporting {
                let service = try manager.believed().auditKeyBytes
                let kept = try kept.map { try SignedAuditHead(file: $0) }
                let head = try await manager.asking { try await $0.newestHead(signedBy: service) }
                if let kept {
                    guard kept.head.service == service, kept.isValid else {
                        throw AuditEnd(23, "the kept head is of another manager, or not signed")
                    }
                    guard kept.head.size <= head.head.size else {
                        throw AuditEnd(
                            22, "the log has \(head.head.size) entries, and had \(kept.head.size): it was set back")
                    }
                    try await check(kept, head)
                }
                if let out { try Files.create(out, head.json.encoded + [UInt8(ascii: "\n")]) }
                Output.print(String(decoding: head.json.encoded, as: UTF8.self))
            }
        }

        private func check(_ kept: SignedAuditHead, _ head: SignedAuditHead) async throws {
            if kept.head.size == head.head.size || kept.head.size == 0 {
                guard kept.head.size == 0 || kept.head.root == head.head.root else {
                    throw AuditEnd(22, "two heads of \(head.head.size) entries differ: the log forked")
                }
                return
            }
            let bytes = try await manager.asking {
                try await $0.consistencyProof(from: kept.head.size, to: head.head.size)
            }
            let proof = try ConsistencyProof(try CanonicalJSON(canonical: bytes))
            guard proof.older == kept.head.size, proof.size == head.head.size,
                proof.proves(kept.head.root, to: head.head.root)
            else { throw AuditEnd(22, "the log did not only grow since the kept head: it forked") }
        }
    }

    struct Log: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "log", abstract: "Fetches the whole log with its signed head into a file.")

        @OptionGroup var manager: ManagerOptions

        @Option(help: ArgumentHelp("The file to write.", valueName: "file")) var out: String

        /// How many entries one answer has.
        private static let pageSize = 1_000

        func run() async throws {
            try await reporting {
                let service = try manager.believed().auditKeyBytes
                let (head, entries) = try await manager.asking { client in
                    let head = try await client.newestHead(signedBy: service)
                    var entries: [AuditEntry] = []
                    while entries.count < head.head.size {
                        let page = try await client.auditEntries(
                            from: entries.count, count: min(Self.pageSize, head.head.size - entries.count))
                        let more = try AuditExport(decoding: page).entries
                        guard !more.isEmpty, entries.count + more.count <= head.head.size else {
                            throw AuditEnd(
                                21, "the head tells of \(head.head.size) entries, the manager has \(entries.count)")
                        }
                        entries += more
                    }
                    return (head, entries)
                }
                try Files.create(out, AuditExport(entries: entries, heads: [head]).encoded)
                Output.print("\(out): \(entries.count) entries; perun audit verify judges them")
            }
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify", abstract: "Judges a log that was fetched, without the network.",
            discussion: """
                Without --kept nobody can tell an older log from the newest: keep heads.

                Exit codes: 0 as it was written, 2 bad usage, 20 an entry or a signature was changed, 21 entries are missing, 22 older \
                than the kept head, or another log, 23 another manager.
                """)

        @Argument(help: "What perun audit log wrote.") var log: String

        @OptionGroup var manager: ManagerOptions

        @Option(help: ArgumentHelp("The manager's audit key, instead of --trust.", valueName: "hex"))
        var serviceKey: String?

        @Option(help: ArgumentHelp("A head that was kept earlier.", valueName: "file")) var kept: String?

        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws {
            try await reporting(asJSON: json) {
                let service = try serviceKey.map { text throws(CommandError) in
                    guard let bytes = [UInt8](hexadecimal: text), bytes.count == 32 else {
                        throw CommandError(.usage, "--service-key is \"\(text)\": give 64 digits")
                    }
                    return bytes
                }
                let key = try service ?? manager.believed().auditKeyBytes
                let found = AuditVerification.judge(
                    try Files.bytes(log, as: "log"), kept: try kept.map { try SignedAuditHead(file: $0) }, service: key)
                if case .verified(let head) = found {
                    if json {
                        Output.print(Report(verified: true, entries: head.size, root: head.root.hexadecimal))
                    } else {
                        Output.print("\(log): \(head.size) entries, as the manager signed them at \(head.time)")
                    }
                    return
                }
                if json { Output.print(Report(verified: false, check: found.failure?.check)) }
                Output.note("perun: \(log) does not verify: \(found.failure.map { "\($0)" } ?? "nothing is there")")
                throw ExitCode(found.exitCode)
            }
        }

        private struct Report: Encodable {
            let verified: Bool
            var entries: Int?
            var root: String?
            var check: String?
        }
    }
}

/// An end with one of the exit codes that audits have.
struct AuditEnd: Error {
    let code: Int32
    let message: String

    init(_ code: Int32, _ message: String) { (self.code, self.message) = (code, message) }
}

extension ManagerTrust {
    /// - Throws: ``CommandError`` if the trust file has none.
    fileprivate var auditKeyBytes: [UInt8] {
        get throws(CommandError) {
            guard let bytes = [UInt8](hexadecimal: auditKey), bytes.count == 32 else {
                throw CommandError(.usage, "the trust file's audit key is none: make it anew with perun trust")
            }
            return bytes
        }
    }
}

extension PerunClient {
    /// Fetches the head, and believes it only if that service signed it.
    fileprivate func newestHead(signedBy service: [UInt8]) async throws -> SignedAuditHead {
        let head = try SignedAuditHead(try CanonicalJSON(canonical: try await auditHead()))
        guard head.head.service == service else {
            throw AuditEnd(23, "the head is of the service \(head.head.service.hexadecimal), which is another")
        }
        guard head.isValid else { throw AuditEnd(20, "the head's signature does not verify") }
        return head
    }
}

extension SignedAuditHead {
    /// - Throws: ``CommandError`` that names the file.
    init(file path: String) throws {
        var bytes = try Files.bytes(path, as: "head")
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        do throws(FormatError) { try self.init(try CanonicalJSON(canonical: bytes)) } catch {
            throw CommandError(.usage, "\(path): \(error)")
        }
    }
}
