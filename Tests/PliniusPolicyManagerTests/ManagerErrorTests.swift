import PliniusPolicyManager
import Testing

@Suite("Errors of the policy manager")
struct ManagerErrorTests {
    @Test func readsAsItsMessage() {
        #expect(
            "\(ManagerError(.conflict, "the policy has another predecessor"))" == "the policy has another predecessor")
    }
}
