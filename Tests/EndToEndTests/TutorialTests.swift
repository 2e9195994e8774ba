import Foundation
import Testing
import _PliniusTestSupport

/// What the documents have people type.
@Suite struct TutorialTests {
    @Test(.timeLimit(.minutes(30))) func theTutorialOfThePolicyManagerDoesWhatItSays() throws {
        let sources = URL(filePath: #filePath).resolvingSymlinksInPath()
        let root = (0..<3).reduce(sources) { folder, _ in folder.deletingLastPathComponent() }
        let folder = try TemporaryDirectory()
        let said = try folder.write("", to: "said")
        let script = Process()
        script.executableURL = URL(filePath: "/bin/bash")
        script.arguments = [root.appending(path: "scripts/perun-tutorial").path, Program.directory]
        // A port that is hardly anybody's, so that several may run at once.
        let own = ["PERUN_PORT": "\(Int.random(in: 20_000..<30_000))"]
        script.environment = ProcessInfo.processInfo.environment.merging(own) { $1 }
        let handle = try #require(FileHandle(forWritingAtPath: said))
        (script.standardOutput, script.standardError) = (handle, handle)
        try script.run()
        script.waitUntilExit()
        let text = String(decoding: try folder.read("said"), as: UTF8.self)
        #expect(script.terminationStatus == 0, "\(text)")
        #expect(text.contains("The tutorial's commands do what it says."))
        #expect(text.contains("the check asset.stopped failed"), "the stop is part of it")
    }
}
