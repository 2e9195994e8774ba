import ArgumentParser
import PliniusHost
import PliniusPersistence
import PliniusPoolTools

/// `plinius pool`.
struct PoolCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pool",
        abstract: "Make, check and mend the files that hold runs; whatever is sealed in them stays sealed.",
        subcommands: [
            PoolCreateCommand.self, PoolCheckCommand.self, PoolInspectCommand.self, PoolRootsCommand.self,
            PoolRepairCommand.self, PoolGrowCommand.self,
        ]
    )
}

/// What all commands of a pool take.
struct PoolArguments: ParsableArguments {
    @Argument(help: "The file that holds the pool.")
    var file: String

    @Flag(help: "Print the result as one JSON object.")
    var json = false
}

extension ByteCount {
    /// The number, as far as any address space reaches.
    fileprivate var clamped: Int { Int(min(bytes, 1 << 47)) }
}

/// A commit protocol by its name.
struct CommitOption: ExpressibleByArgument {
    var kind = CommitKind.redoLog

    init() {}

    init?(argument: String) {
        guard let kind = CommitKind.allCases.first(where: { $0.description == argument }) else { return nil }
        self.kind = kind
    }

    static var allValueStrings: [String] { CommitKind.allCases.map(\.description) }
    var defaultValueDescription: String { kind.description }
}

/// `plinius pool create`.
struct PoolCreateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make an empty pool in a new file.")

    @OptionGroup var pool: PoolArguments

    @Option(help: ArgumentHelp("The size of the file: 65536, 64K, 16M, 2G.", valueName: "bytes"))
    var size: ByteCount

    @Option(
        help: ArgumentHelp(
            "The part of it for small objects and the catalogue (256K); it cannot grow.", valueName: "bytes"))
    var heap: ByteCount?

    @Option(help: "How transactions become durable.")
    var commit = CommitOption()

    func run() throws {
        try Output.report(asJSON: pool.json) { () throws(HostError) in
            try HostError.translating { () throws(PersistenceError) in
                _ = try Pool.create(
                    path: pool.file, byteCount: size.clamped, heapBytes: heap?.clamped ?? Pool.defaultHeapBytes,
                    commit: commit.kind)
                return try PoolReport(path: pool.file)
            }
        } json: {
            .object($0.geometryFields)
        } text: { report in
            for line in report.geometryLines { Output.print(line) }
        }
    }
}

/// `plinius pool check`.
struct PoolCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Verify a pool without changing it; exit status 3 if anything is wrong.",
        discussion:
            "No program may have the pool open for writing meanwhile. What sealed data means is verified with the key, by "
            + "plinius-owner verify."
    )

    @OptionGroup var pool: PoolArguments

    func run() throws {
        var isSound = true
        try Output.report(asJSON: pool.json) { () throws(HostError) in
            try HostError.translating { () throws(PersistenceError) in try PoolReport(path: pool.file) }
        } json: { report in
            isSound = report.isSound
            return report.json
        } text: { report in
            isSound = report.isSound
            for line in report.checkLines { Output.print(line) }
        }
        if !isSound { throw ExitCode(HostError.Code.integrity.exitCode) }
    }
}

/// `plinius pool inspect`.
struct PoolInspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Show the geometry of a pool, and what its medium survives.")

    @OptionGroup var pool: PoolArguments

    func run() throws {
        try Output.report(asJSON: pool.json) { () throws(HostError) in
            try PoolReport.ofUsable(pool.file)
        } json: {
            .object($0.geometryFields)
        } text: { report in
            for line in report.geometryLines { Output.print(line) }
        }
    }
}

/// `plinius pool roots`.
struct PoolRootsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "roots", abstract: "List what a pool holds, by name.")

    @OptionGroup var pool: PoolArguments

    func run() throws {
        try Output.report(asJSON: pool.json) { () throws(HostError) in
            try PoolReport.ofUsable(pool.file)
        } json: {
            .object(["roots": $0.rootsJSON])
        } text: { report in
            for line in report.rootLines { Output.print(line) }
        }
    }
}

/// `plinius pool repair`.
struct PoolRepairCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repair", abstract: "Put right what an interruption left, where nothing has to be guessed.")

    @OptionGroup var pool: PoolArguments

    @Flag(help: "Only say what would be done.")
    var dryRun = false

    func run() throws {
        try Output.report(asJSON: pool.json) { () throws(HostError) in
            try HostError.translating { () throws(PersistenceError) in
                try PoolRepair.repair(path: pool.file, isDryRun: dryRun)
            }
        } json: { done, report in
            .object([
                "dryRun": .init(dryRun), "repairs": .array(done.map { .init("\($0)") }),
                "isSound": .init(report.isSound),
            ])
        } text: { done, _ in
            if done.isEmpty { Output.print("nothing to repair") }
            for repair in done { Output.print(dryRun ? "would \(repair)" : "done: \(repair)") }
        }
    }
}

/// `plinius pool grow`.
struct PoolGrowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "grow", abstract: "Make a pool larger; its heap keeps its size.")

    @OptionGroup var pool: PoolArguments

    @Option(help: ArgumentHelp("The new size of the file: 65536, 64K, 16M, 2G.", valueName: "bytes"))
    var size: ByteCount

    func run() throws {
        try Output.report(asJSON: pool.json) { () throws(HostError) in
            try HostError.translating { () throws(PersistenceError) in
                var opened = try Pool.open(path: pool.file)
                try opened.grow(toByteCount: size.clamped)
            }
            return try PoolReport.ofUsable(pool.file)
        } json: {
            .object($0.geometryFields)
        } text: { report in
            for line in report.geometryLines { Output.print(line) }
        }
    }
}
