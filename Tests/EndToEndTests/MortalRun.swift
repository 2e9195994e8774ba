import Foundation
import PliniusMirror
import PliniusPersistence
import PliniusRuns
import PliniusSealing
import Testing
import _PliniusSupport
import _PliniusTestSupport

/// A training command that is killed, and given again.
struct MortalRun {
    /// When the run dies.
    enum Death {
        /// So many microseconds after its start, by SIGKILL.
        case instant(UInt64)
        /// So many microseconds after an iteration was told of, by SIGKILL.
        case iteration(Int, UInt64)
        /// By its own hand, at a point of the mirror after so many passes.
        case point(String, Int)
    }

    /// Who is killed; both hold the pool.
    enum Victim {
        case host, enclave
    }

    /// A small, seeded source of instants.
    struct Jitter {
        var state: UInt64
        mutating func next(below bound: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % bound
        }
    }

    /// The crash points of a commit.
    static let points = [
        "afterMarker", "insideChunks", "afterChunks", "afterTags", "insideHeader", "beforeFence", "afterFence",
    ]

    /// Of `plinius`.
    let arguments: [String]
    /// A file for the run's events.
    var events: String?

    /// Runs the command until it dies, or ends before.
    func run(until death: Death, of victim: Victim = .host) throws -> ProgramOutcome {
        var arguments = arguments
        if case .point(let point, let passes) = death { arguments += ["--crash-at", "\(point):\(passes)"] }
        if let events {
            arguments += ["--events", events]
            try? FileManager.default.removeItem(atPath: events)
        }
        let run = try Program.plinius.start(arguments)
        switch death {
        case .point: return try run.wait()
        case .instant(let delay): usleep(UInt32(delay))
        case .iteration(let iteration, let delay):
            let events = try #require(events, "iterations are told of in a file")
            _ = try run.wait { _ in
                let text = (try? String(contentsOfFile: events, encoding: .utf8)) ?? ""
                return text.components(separatedBy: "\"event\":\"iteration\"").count > iteration
            }
            usleep(UInt32(delay))
        }
        let enclaves = run.children
        kill(victim == .enclave ? enclaves.first ?? run.pid : run.pid, SIGKILL)
        let outcome = try run.wait()
        for enclave in enclaves { Self.waitUntilGone(enclave) }
        return outcome
    }

    /// The enclave leaves when its host is gone, but nobody reaps it at once.
    static func waitUntilGone(_ pid: CInt) {
        for _ in 0..<5_000 where !RunningProgram.commandLine(of: pid).isEmpty { usleep(1_000) }
        #expect(RunningProgram.commandLine(of: pid).isEmpty, "the enclave outlives its host")
    }
}

extension ProgramOutcome {
    /// Whether a SIGKILL ended it, or its enclave.
    var wasKilled: Bool { status == .signalled(SIGKILL) || !succeeded && errors.contains("SIGKILL") }
}

/// All that a run's mirror holds: parameters, statistics, what the solver keeps, and how far it is.
struct MirroredState: Hashable {
    let iteration: UInt64
    let losses: [UInt32]
    let arena: [UInt8]

    /// Opens the newest mirror of a pool's only run.
    init(pool path: String, key: [UInt8]) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        defer { close(descriptor) }
        let pool = try Pool.open(descriptor: descriptor, access: .readOnly)
        let mirror = try Mirror.open(
            on: pool.run(nil).extent, keys: KeyHierarchy(ownerKey: SecretBytes(key)))
        let memory = PrivateMemory(byteCount: mirror.arenaBytes)
        let progress = try mirror.mirrorIn(to: memory).progress
        iteration = progress.iteration
        losses = [progress.loss.bitPattern, progress.averageLoss.bitPattern]
        arena = Array(memory.bytes)
    }
}
