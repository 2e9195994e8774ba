import Foundation
import Glibc
import Synchronization
import Testing
import _PliniusTestSupport

/// Chromium without a window, steered over its DevTools protocol, whose messages go through two named pipes.
///
/// It believes one certificate, and resolves no name: whatever a page asked of others would fail, and be seen.
final class Browser: Sendable {
    /// Where distributions put it.
    static let path: String? = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"]
        .map { name -> String in "/usr/bin/\(name)" }.first { access($0, X_OK) == 0 }
    static var isThere: Bool { path != nil }
    static let reason: Comment = "needs chromium (Debian's package of that name)"

    private struct State {
        var process: Process
        var next = 1
        var session: String?
        var rest: [UInt8] = []
        var events: [Data] = []
    }

    private let folder: TemporaryDirectory
    private let toBrowser: CInt
    private let fromBrowser: CInt
    private let state: Mutex<State>
    /// The browser is waited for here, and not where the server works.
    private let queue = DispatchQueue(label: "browser")

    /// Why the browser did not do what it was asked for.
    struct Failure: Error, CustomStringConvertible { let description: String }

    /// Starts a browser, and closes it behind the work.
    /// - Parameter key: SHA-256 of the public key of the certificate that is believed, in base64.
    static func run(believing key: String, _ body: (Browser) async throws -> Void) async throws {
        let browser = try Browser(believing: key)
        defer { browser.end() }
        try await browser.open()
        try await body(browser)
    }

    private init(believing key: String) throws {
        folder = try TemporaryDirectory()
        let (input, output) = (folder("in"), folder("out"))
        guard mkfifo(input, 0o600) == 0, mkfifo(output, 0o600) == 0 else { throw Failure(description: "no pipes") }
        // Opened for both directions, so that opening waits for nobody.
        toBrowser = Glibc.open(input, O_RDWR | O_CLOEXEC)
        fromBrowser = Glibc.open(output, O_RDWR | O_CLOEXEC)
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = [
            "-c", #"exec "$@" 3<"$FROM" 4>"$TO" </dev/null >/dev/null 2>&1"#, "sh", try #require(Self.path),
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--user-data-dir=\(folder("profile"))",
            "--ignore-certificate-errors-spki-list=\(key)", "--window-size=1280,1000", "--remote-debugging-pipe",
        ]
        process.environment = [
            "FROM": input, "TO": output, "HOME": folder.path, "PATH": "/usr/bin:/bin",
        ]
        try process.run()
        state = Mutex(State(process: process))
    }

    private func end() {
        // A browser that is asked to go takes its own files along.
        let process = state.withLock { state in
            state.session = nil
            _ = try? send("Browser.close", [:], &state)
            return state.process
        }
        for _ in 0..<500 where process.isRunning { usleep(20_000) }
        if process.isRunning { process.terminate() }
        process.waitUntilExit()
        close(toBrowser)
        close(fromBrowser)
    }

    // MARK: - Pages

    /// Opens an empty page, of which everything is heard from then on.
    private func open() async throws {
        let target = try Self.text(await call("Target.createTarget", ["url": "about:blank"]), "targetId")
        let session = try Self.text(
            await call("Target.attachToTarget", ["targetId": target, "flatten": true]), "sessionId")
        state.withLock { $0.session = session }
        for domain in ["Page", "Runtime", "Network", "Log", "Accessibility"] { _ = try await call("\(domain).enable") }
    }

    /// Goes to a page, and waits until it is loaded.
    func go(to url: String) async throws {
        state.withLock { $0.events = [] }
        let answer = try await call("Page.navigate", ["url": url])
        if let error = try Self.object(answer)["errorText"] { throw Failure(description: "\(url): \(error)") }
        try await waitForEvent("Page.loadEventFired")
    }

    /// What an expression is, as a text.
    @discardableResult
    func evaluate(_ expression: String) async throws -> String {
        let answer = try Self.object(
            await call("Runtime.evaluate", ["expression": "String(\(expression))", "returnByValue": true]))
        guard answer["exceptionDetails"] == nil, let result = answer["result"] as? [String: Any],
            let value = result["value"] as? String
        else { throw Failure(description: "\(expression): \(answer)") }
        return value
    }

    /// Waits until an expression is true, through changes of the page in between, within which there is nothing to be asked.
    func wait(for expression: String) async throws {
        let deadline = ContinuousClock.now + .seconds(600)
        while (try? await evaluate(expression)) != "true" {
            guard ContinuousClock.now < deadline else { throw Failure(description: "\(expression) never held") }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Clicks on something, after this has returned: the page may go away by it.
    func click(_ selector: String) async throws {
        try await evaluate("setTimeout(() => document.querySelector('\(selector)').click())")
    }

    /// Presses a key.
    func press(_ key: String, code: Int) async throws {
        for kind in ["rawKeyDown", "keyUp"] {
            _ = try await call(
                "Input.dispatchKeyEvent", ["type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code])
        }
    }

    /// Has the page look as it would to somebody who prefers a scheme of colours.
    func prefer(_ scheme: String) async throws {
        _ = try await call(
            "Emulation.setEmulatedMedia", ["features": [["name": "prefers-color-scheme", "value": scheme]]])
    }

    /// Has pages run no script from now on, or run them again.
    func allowScripts(_ areAllowed: Bool) async throws {
        _ = try await call("Emulation.setScriptExecutionDisabled", ["value": !areAllowed])
    }

    /// Where the page asked for something since it was gone to.
    var requests: [String] {
        events("Network.requestWillBeSent").compactMap { ($0["request"] as? [String: Any])?["url"] as? String }
    }

    /// What the browser complained of since the page was gone to: violations of the policy for contents, missing files, uncaught errors.
    var complaints: [String] {
        events("Log.entryAdded").compactMap { ($0["entry"] as? [String: Any])?["text"] as? String }
            + events("Runtime.exceptionThrown").map { "\($0)" } + events("Runtime.consoleAPICalled").map { "\($0)" }
    }

    // MARK: - The protocol

    /// Calls a method.
    /// - Returns: Its result, in JSON.
    func call(_ method: String, _ parameters: [String: any Sendable] = [:]) async throws -> Data {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try self.callNow(method, parameters) }) }
        }
    }

    private func callNow(_ method: String, _ parameters: [String: any Sendable]) throws -> Data {
        try state.withLock { state in
            let id = try send(method, parameters, &state)
            while true {
                let data = try next(&state)
                let answer = try Self.object(data)
                guard answer["id"] as? Int == id else {
                    state.events.append(data)
                    continue
                }
                guard let result = answer["result"] else { throw Failure(description: "\(method): \(answer)") }
                return try JSONSerialization.data(withJSONObject: result)
            }
        }
    }

    /// Sends a call.
    /// - Returns: Its number, which the answer has.
    private func send(_ method: String, _ parameters: [String: any Sendable], _ state: inout State) throws -> Int {
        let id = state.next
        state.next += 1
        var message: [String: Any] = ["id": id, "method": method, "params": parameters]
        if let session = state.session { message["sessionId"] = session }
        var bytes = Array(try JSONSerialization.data(withJSONObject: message)) + [0]
        while !bytes.isEmpty {
            let count = write(toBrowser, bytes, bytes.count)
            guard count > 0 else { throw Failure(description: "the browser takes no messages") }
            bytes.removeFirst(count)
        }
        return id
    }

    private func waitForEvent(_ method: String) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            queue.async {
                continuation.resume(
                    with: Result {
                        while self.events(method).isEmpty {
                            try self.state.withLock { state in state.events.append(try self.next(&state)) }
                        }
                    })
            }
        }
    }

    private func events(_ method: String) -> [[String: Any]] {
        state.withLock { $0.events }.compactMap { data in
            guard let event = try? Self.object(data), event["method"] as? String == method else { return nil }
            return event["params"] as? [String: Any]
        }
    }

    /// The next message, which ends with a zero.
    private func next(_ state: inout State) throws -> Data {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            if let end = state.rest.firstIndex(of: 0) {
                let message = Data(state.rest[..<end])
                state.rest.removeSubrange(...end)
                return message
            }
            var place = pollfd(fd: fromBrowser, events: Int16(POLLIN), revents: 0)
            guard poll(&place, 1, 60_000) > 0 else { throw Failure(description: "the browser says nothing") }
            let count = read(fromBrowser, &buffer, buffer.count)
            guard count > 0 else { throw Failure(description: "the browser is gone") }
            state.rest += buffer[..<count]
        }
    }

    private static func object(_ data: Data) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    private static func text(_ data: Data, _ name: String) throws -> String {
        try #require(try object(data)[name] as? String)
    }
}
