import Foundation
import PliniusPerunClient
import Testing
import _PliniusTestSupport

/// A manager in a process of its own, and wrk, which has it release keys as fast as it does.
struct Load {
    static let wrk = Program(path: "/usr/bin/wrk")
    static let missing = "there is no /usr/bin/wrk: install wrk"

    /// What wrk saw.
    struct Outcome: Decodable {
        var releases: Int
        /// Answers other than 200, and connections that failed.
        var failures: Int
        /// Of the first answer that was not 200.
        var failure: String?
        var seconds: Double
        /// Milliseconds from a request to its answer; a release takes two requests.
        var median: Double
        var p99: Double
    }

    private let folder: TemporaryDirectory
    private let manager: ManagerProcess
    private let client: PerunClient
    private let world: TestWorld

    /// Starts a manager and states everything that a run needs.
    init() async throws {
        folder = try TemporaryDirectory()
        manager = try ManagerProcess(
            folder("store"),
            [
                "--root", "insecure", "--attestation", "none", "--requests-per-second", "1000000", "--log-level",
                "notice",
            ])
        client = try await manager.client()
        var world = TestWorld()
        world.issued = Int64(Date().timeIntervalSince1970)
        self.world = world
        try await world.establish(with: client)
        // The run that all others go on with.
        _ = try await world.exchange(with: client)
    }

    func close() async {
        await client.close()
        manager.run.signal(SIGKILL)
    }

    /// Bytes of memory that the manager has resident.
    var memory: Int {
        let fields = (try? String(contentsOfFile: "/proc/\(manager.run.pid)/status", encoding: .utf8))?.split(
            separator: "\n")
        let line = fields?.first { $0.hasPrefix("VmRSS:") }
        return 1024 * (line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0)
    }

    /// Has the manager release keys to so many enclaves, each with a challenge and evidence of its own, `connections` at a time.
    func release(to enclaves: Int, connections: Int) async throws -> Outcome {
        var bodies: [String] = []
        for _ in 0..<enclaves {
            let begun = try await client.challenge(world.challenge)
            var enclave = world.enclave()
            let presentation = try enclave.answer(begun.challenge.bytes, change: world.resumed(1))
            let body = try JSONEncoder().encode(
                AttestationRequest(cookie: begun.cookie, presentation: Base64(presentation)))
            bodies.append(String(decoding: body, as: UTF8.self))
        }
        let list = try folder.write(bodies.joined(separator: "\n") + "\n", to: "attestations")
        let script = try folder.write(Self.script(bodies: list, enclaves: enclaves), to: "release.lua")
        let outcome = try Self.wrk.run([
            "--threads", "1", "--connections", "\(connections)", "--duration", "500s", "--timeout", "20s", "--script",
            script, "https://\(manager.address)",
        ])
        try #require(outcome.succeeded, "\(outcome)")
        let line = try #require(outcome.output.split(separator: "\n").first { $0.hasPrefix("{") }, "\(outcome)")
        return try JSONDecoder().decode(Outcome.self, from: Data(line.utf8))
    }

    /// Each piece of evidence is posted once; what comes back is posted again for the keys, before any further evidence.
    private static func script(bodies: String, enclaves: Int) -> String {
        #"""
        local ffi = require("ffi")
        ffi.cdef[[
            typedef struct { long seconds, nanoseconds; } instant;
            int clock_gettime(int clock, instant *now);
            int getpid(void);
            int kill(int process, int signal);
        ]]
        local function now()
            local time = ffi.new("instant")
            ffi.C.clock_gettime(1, time)
            return tonumber(time.seconds) + tonumber(time.nanoseconds) / 1e9
        end
        local threads, results, releases, failures = {}, {}, 0, 0
        local headers = { ["Content-Type"] = "application/json" }
        function setup(thread) table.insert(threads, thread) end
        function init() bodies, began = io.open("\#(bodies)", "r"), now() end
        local isUnderWay = false
        function request()
            -- wrk makes one request in the beginning to look at it, and does not send it.
            if not isUnderWay then
                isUnderWay = true
                return wrk.format("GET", "/v1/health")
            end
            local result = table.remove(results)
            if result then return wrk.format("POST", "/v1/releases", headers, result) end
            local body = bodies:read("*l")
            if body then return wrk.format("POST", "/v1/attestations", headers, body) end
            return wrk.format("GET", "/v1/health")
        end
        function response(status, _, body)
            local result = body:match('"result":"([^"]*)"')
            if status ~= 200 then
                failures = failures + 1
                wrk.thread:set("failure", body)
            elseif result then table.insert(results, '{"result":"' .. result .. '"}')
            elseif body:find('"grant"', 1, true) then releases = releases + 1 end
            if releases >= \#(enclaves) or failures > 0 then
                wrk.thread:set("releases", releases)
                wrk.thread:set("failures", failures)
                wrk.thread:set("seconds", now() - began)
                ffi.C.kill(ffi.C.getpid(), 2)
            end
        end
        function done(summary, latency)
            local thread, errors = threads[1], summary.errors
            local failure = (thread:get("failure") or ""):gsub('[%c"\\]', " "):sub(1, 500)
            print(string.format('{"releases":%d,"failures":%d,"failure":"%s","seconds":%f,"median":%f,"p99":%f}',
                thread:get("releases") or 0,
                (thread:get("failures") or 0) + errors.connect + errors.read + errors.write + errors.timeout, failure,
                thread:get("seconds") or 0, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
        end
        """#
    }
}
