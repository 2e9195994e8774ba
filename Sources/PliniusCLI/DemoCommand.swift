import ArgumentParser
import Glibc
import PliniusHost

/// `plinius demo`.
struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Show the whole story: seal, train, three kills, resume, and the proof that nothing was lost.",
        discussion: """
            Owner and operator are one machine here, which is what a demonstration can be. With PLINIUS_DATA set, the digits are \
            MNIST from $PLINIUS_DATA/mnist; otherwise they are drawn. Exits with 1 if the killed run ends with other bits than \
            the one that was left alone.
            """
    )

    @Option(
        help: ArgumentHelp("A new directory for the files; without it they are removed at the end.", valueName: "dir")
    )
    var keep: String?

    @Option(help: ArgumentHelp("Iterations of each run: 500 on MNIST, 150 on drawn digits.", valueName: "n"))
    var iterations: UInt64?

    @Option(help: ArgumentHelp("The network; configs/mnist.cfg is looked for if there is none.", valueName: "cfg"))
    var config: String?

    @Option(help: ArgumentHelp("What computes: onednn or reference.", valueName: "name"))
    var executor: String?

    @Option(help: ArgumentHelp("The seed of both runs.", valueName: "s"))
    var seed: UInt64 = 1

    func run() throws {
        let signals = StopSignals()
        do throws(HostError) {
            if iterations == 0 { throw HostError(.usage, "--iterations is 0, at least 1 is expected") }
            let data = getenv("PLINIUS_DATA").map { String(cString: $0) } ?? ""
            let mnist = data.isEmpty ? nil : "\(data)/mnist"
            let config = if let config { config } else { try Demo.findConfig() }
            let demo = try Demo(
                directory: DemoDirectory(keeping: keep),
                config: config,
                source: mnist.map { .mnist(directory: $0) } ?? .drawn(train: 6000, test: 1000),
                iterations: iterations ?? (mnist == nil ? 150 : 500),
                executor: executor,
                seed: seed,
                signals: signals
            )
            try demo.run()
        } catch {
            StandardError.print("plinius: \(error.message)")
            throw ExitCode(error.code.exitCode)
        }
    }
}
