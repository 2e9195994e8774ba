import Foundation
import Testing
import _PliniusTestSupport

/// An owner who judges with what was imported earlier.
@Suite(.serialized) struct ProvisioningCollateralTests {
    @Test(.timeLimit(.minutes(30))) func aBundleIsJudgedWithAndNothingIsReleasedByOneThatIsOutOfDate() throws {
        let setting = try ProvisioningScenario()
        let scenario = setting.scenario
        let (key, bundle) = (setting.folder("collateral.key"), setting.folder("collateral"))
        try scenario.owner("keygen", "--out", key)
        let list = try setting.folder.write(
            "sha256:\(String(repeating: "ab", count: 32)) /usr/bin/true\n", to: "list")
        let made = try scenario.owner(
            "collateral", "import", "--key", key, "--series", "os", "--days", "10", "--reference", "ima:os=\(list)",
            "--out", bundle)
        let publicKey = try #require(made.output.split(whereSeparator: \.isWhitespace).last.map(String.init))

        let host = try setting.host()
        let policy = try setting.policy(from: host)
        let strange = try setting.provision(host.address, policy: policy, "--collateral", bundle)
        #expect(strange.status == .exited(3))
        #expect(strange.errors.contains("collateral.bundle.signer"), "\(strange.errors)")

        let believed = ["--collateral", bundle, "--collateral-key", publicKey]
        let late = Date.now.addingTimeInterval(11 * 86_400).ISO8601Format()
        let refused = try setting.provision(host.address, policy: policy, believed + ["--now", late])
        #expect(refused.status == .exited(3))
        #expect(
            refused.errors.contains("the key is not released: the check collateral.bundle.validity"),
            "\(refused.errors)")
        try host.waitsAgain()

        let released = try setting.provision(host.address, policy: policy, believed)
        #expect(released.succeeded, "\(released)")
        #expect(released.errors.contains("ok       collateral.bundle.validity"), "\(released.errors)")
        // Ten, if all this took less than a second.
        #expect(
            ["9", "10"].contains { released.errors.contains("warning: the bundle os number 1 expires in \($0) days") },
            "\(released.errors)")
        #expect(try host.run.wait().succeeded)
    }
}
