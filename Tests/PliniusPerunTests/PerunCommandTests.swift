import ArgumentParser
import PliniusPerun
import Testing

@Suite("The command line of perun")
struct PerunCommandTests {
    @Test func isCalledPerun() { #expect(PerunCommand.configuration.commandName == "perun") }
}
