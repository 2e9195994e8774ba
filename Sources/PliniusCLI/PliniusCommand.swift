public import ArgumentParser
import PliniusHost

/// The operator's program: it trains on data that it cannot read.
public struct PliniusCommand: ParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "plinius",
        abstract: "Trains neural networks on sealed data, and survives being killed.",
        discussion: """
            The data, the key and the model never enter this program: it starts plinius-enclave, which lies beside it, hands it \
            the files, and shows what it reports.

            Exit codes: 0 success, 1 the work failed, 2 bad usage (64 for options that cannot be read), 3 integrity refused, \
            4 recovery impossible.
            """,
        subcommands: [
            TrainCommand.self, TestCommand.self, PredictCommand.self, StatusCommand.self, PoolCommand.self,
            DemoCommand.self,
        ]
    )

    public init() {}

    /// Runs the program with the arguments of the process.
    public static func launch() -> Never {
        do {
            var command = try parseAsRoot()
            try command.run()
            exit()
        } catch {
            // `--json` promises one object on standard output whatever happens, options that cannot be read included.
            let code = exitCode(for: error).rawValue
            if code == ExitCode.validationFailure.rawValue, CommandLine.arguments.contains("--json") {
                Output.print(Output.failure(message(for: error), exitCode: code).line)
            }
            exit(withError: error)
        }
    }
}

/// Standard output: results, and nothing else.
enum Output {
    /// Prints a line at once, so that it keeps its place among the lines of standard error.
    static func print(_ line: String) {
        StandardOutput.print(line)
    }

    /// The object that stands for a result when there is none.
    static func failure(_ message: String, exitCode: Int32) -> JSONValue {
        .object(["error": .init(message), "exitCode": .init(exitCode)])
    }

    /// Does the work of a command and prints its result, or its failure, in the way that was asked for.
    /// - Throws: `ExitCode` if the work fails.
    static func report<Result>(
        asJSON isJSON: Bool,
        _ work: () throws(HostError) -> Result,
        json: (Result) -> JSONValue,
        text: (Result) -> Void
    ) throws {
        do throws(HostError) {
            let result = try work()
            if isJSON { print(json(result).line) } else { text(result) }
        } catch {
            StandardError.print("plinius: \(error.message)")
            if isJSON { print(failure(error.message, exitCode: error.code.exitCode).line) }
            throw ExitCode(error.code.exitCode)
        }
    }
}
