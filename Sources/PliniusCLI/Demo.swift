import Glibc
import PliniusHost

/// The story that `plinius demo` tells.
struct Demo {
    /// Where the digits come from.
    enum Source {
        /// The four files of MNIST, plain or compressed.
        case mnist(directory: String)
        /// The owner's program draws so many.
        case drawn(train: Int, test: Int)
    }

    let directory: DemoDirectory
    let config: String
    let source: Source
    let iterations: UInt64
    let executor: String?
    let seed: UInt64
    let signals: StopSignals

    private static let kills = 3

    /// Finds the network of the paper: in the working directory, in the tree that the program was built in, or installed with it.
    /// - Throws: `HostError.Code.usage` if it is nowhere.
    static func findConfig() throws(HostError) -> String {
        let name = "configs/mnist.cfg"
        let parents = sequence(first: Programs.directory) { directory in
            directory.lastIndex(of: "/").map { String(directory[..<$0]) }
        }
        let candidates =
            [name] + parents.prefix(6).map { "\($0)/\(name)" } + ["\(Programs.directory)/../share/plinius/\(name)"]
        guard let found = candidates.first(where: { access($0, R_OK) == 0 }) else {
            throw HostError(.usage, "configs/mnist.cfg is not found from here; give --config FILE")
        }
        return found
    }

    /// Tells the story to its end.
    /// - Throws: `HostError.Code.failed` if the two runs end with different bits, and whatever a part of it throws.
    func run() throws(HostError) {
        try seal()
        let unkilled = try trainUnkilled()
        let killed = try trainKilled(expecting: unkilled.wallSeconds)
        try compare(unkilled, killed)
    }

    // MARK: Acts

    private func seal() throws(HostError) {
        heading("The owner makes a key and seals the data with it")
        try owner(["keygen", "--out", file("owner.key")])
        for part in ["train", "test"] {
            let origin: [String]
            switch source {
            case .mnist(let directory):
                let prefix = part == "train" ? "train" : "t10k"
                origin = [
                    "--format", "idx", "--images", try mnistFile("\(directory)/\(prefix)-images-idx3-ubyte"),
                    "--labels", try mnistFile("\(directory)/\(prefix)-labels-idx1-ubyte"),
                ]
            case .drawn(let train, let test):
                origin = [
                    "--format", "synthetic-digits", "--count", "\(part == "train" ? train : test)", "--seed",
                    part == "train" ? "1" : "2",
                ]
            }
            try owner(["seal", "--key", file("owner.key")] + origin + ["--out", file("\(part).sealed")])
        }
    }

    private func trainUnkilled() throws(HostError) -> TrainingReport {
        heading("The host trains, and nothing happens to it")
        let report = try train("unkilled", killAfter: nil)
        try finishOrStop(report)
        return report
    }

    private func trainKilled(expecting seconds: Double) throws(HostError) -> TrainingReport {
        heading("The host trains again, and its enclave is killed at \(Self.kills) random instants")
        var kills = 0
        while true {
            // At most a quarter of the run each, so that all kills find it at work.
            let delay: Duration? = kills < Self.kills ? .seconds(seconds * .random(in: 0.05...0.25)) : nil
            do throws(HostError) {
                let report = try train("killed", killAfter: delay)
                try finishOrStop(report)
                guard kills == Self.kills else {
                    throw HostError(.failed, "the run was over after \(kills) kills; give it more --iterations")
                }
                return report
            } catch {
                guard error.isDeathOfEnclave, kills < Self.kills else { throw error }
                kills += 1
                print("kill \(kills) of \(Self.kills): \(error.message)")
            }
        }
    }

    private func compare(_ unkilled: TrainingReport, _ killed: TrainingReport) throws(HostError) {
        heading("The owner exports both models and compares them")
        for name in ["unkilled", "killed"] {
            try owner([
                "export", "--key", file("owner.key"), "--pool", file("\(name).pool"), "--format", "weights", "--out",
                file("\(name).weights"),
            ])
        }
        // Whoever finds a difference wants to look at it.
        let wasKept = directory.isKept
        directory.isKept = true
        let size = try compareFiles(file("unkilled.weights"), file("killed.weights"))
        guard unkilled.testAccuracy == killed.testAccuracy, unkilled.loss == killed.loss else {
            throw HostError(.failed, "the runs report different losses or accuracies, though the exported bytes agree")
        }
        directory.isKept = wasKept
        print("All \(size) bytes are equal: \(Self.kills) kills cost time and nothing else.")
        if let accuracy = killed.testAccuracy {
            print("Accuracy on the test set after \(killed.iterations) iterations: \(percent(accuracy)).")
        }
        print(
            directory.isKept
                ? "The files are in \(directory.path): the key, the sealed data, both pools, both models, both event logs."
                : "The files are removed; --keep DIR keeps them."
        )
    }

    // MARK: Tools

    private func train(_ name: String, killAfter: Duration?) throws(HostError) -> TrainingReport {
        var options = TrainingOptions(
            config: config,
            data: [file("train.sealed")],
            pool: file("\(name).pool"),
            key: .localFiles([file("owner.key")])
        )
        options.testData = file("test.sealed")
        options.iterations = iterations
        options.executor = executor
        options.seed = seed
        options.killAfter = killAfter
        print(
            "$ plinius train --config \(config) --data \(options.data) --test-data \(file("test.sealed"))"
                + " --pool \(options.pool) --insecure-local-key \(file("owner.key"))"
                + " --iterations \(iterations) --seed \(seed)" + (executor.map { " --executor \($0)" } ?? "")
        )
        let log = try EventLog(path: file("\(name).jsonl"))
        return try TrainingRun(options, sinks: [ProgressReporter(), log], signals: signals).run()
    }

    /// Refuses to tell the story to its end if somebody asked it to stop.
    private func finishOrStop(_ report: TrainingReport) throws(HostError) {
        guard report.isComplete else { throw HostError(.failed, "the demonstration was stopped") }
    }

    private func owner(_ arguments: [String]) throws(HostError) {
        print("$ plinius-owner " + arguments.joined(separator: " "))
        var spawn = Spawn(program: try Programs.sibling("plinius-owner"))
        spawn.arguments = arguments
        spawn.descriptors = [1: STDOUT_FILENO]
        let termination = try spawn.run()
        guard termination == .exited(0) else {
            throw HostError(.failed, "plinius-owner \(arguments[0]) \(termination)")
        }
    }

    /// Finds a file of MNIST, compressed or not.
    private func mnistFile(_ path: String) throws(HostError) -> String {
        let candidates = [path, path + ".gz"]
        guard let found = candidates.first(where: { access($0, R_OK) == 0 }) else {
            throw HostError(.usage, "\(path) is not there, nor with .gz; unset PLINIUS_DATA to use drawn digits")
        }
        return found
    }

    /// Compares two files to the last byte.
    /// - Returns: how long they are.
    private func compareFiles(_ left: String, _ right: String) throws(HostError) -> Int {
        guard let leftFile = fopen(left, "r"), let rightFile = fopen(right, "r") else {
            throw HostError(.failed, "an exported model cannot be read: \(String(cString: strerror(errno)))")
        }
        defer {
            fclose(leftFile)
            fclose(rightFile)
        }
        var count = 0
        while true {
            let (leftByte, rightByte) = (getc(leftFile), getc(rightFile))
            guard leftByte == rightByte else {
                throw HostError(.failed, "\(left) and \(right) differ from byte \(count) on: something was lost")
            }
            if leftByte == EOF { break }
            count += 1
        }
        guard count > 0 else { throw HostError(.failed, "the exported models are empty") }
        return count
    }

    private func file(_ name: String) -> String { directory.file(name) }

    private func heading(_ text: String) { Output.print("\n== \(text)") }

    private func print(_ text: String) { Output.print(text) }

    private func percent(_ share: Double) -> String {
        let hundredths = Int((share * 10_000).rounded())
        return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100) %"
    }
}
