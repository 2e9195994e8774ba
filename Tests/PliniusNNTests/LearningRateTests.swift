import PliniusNN
import Testing

/// Darknet's schedules, against numbers worked out from their formulas.
@Suite struct LearningRateTests {
    private func options(_ keys: String) throws -> NetOptions {
        try parse("[net]\ninputs=1\nlearning_rate=.1\n\(keys)\n[softmax]").options
    }

    @Test(
        arguments: [
            ("policy=constant", [1: 0.1, 99_999: 0.1]),
            (
                "policy=poly\npower=4\nmax_batches=500",
                [1: 0.099202397, 99: 0.041371139, 100: 0.04096, 250: 0.00625, 500: 0, 501: 0, 700: 0]
            ),
            ("policy=step\nstep=100\nscale=.5", [99: 0.1, 100: 0.05, 250: 0.025, 500: 0.003125]),
            ("policy=exp\ngamma=.99", [100: 0.036603234]),
            ("policy=steps\nsteps=200,400\nscales=.1,.5", [100: 0.1, 199: 0.1, 200: 0.01, 250: 0.01, 499: 0.005]),
            // Darknet stops at the first step that is still to come.
            ("policy=steps\nsteps=400,200\nscales=.1,.5", [250: 0.1, 400: 0.005]),
            // Darknet's own difference wraps around below the step.
            ("policy=sigmoid\nstep=100\ngamma=.05", [1: 0.09929664, 100: 0.05, 200: 0.00066928509]),
            ("policy=constant\nburn_in=100\npower=4", [1: 1e-9, 50: 0.00625, 99: 0.0960596, 100: 0.1]),
            ("policy=exp\ngamma=.5\nburn_in=2\npower=1", [1: 0.05, 2: 0.025]),
            ("policy=step\nstep=10\nscale=.5\nburn_in=5\npower=1", [1: 0.02, 4: 0.08, 5: 0.1, 10: 0.05]),
        ] as [(String, [Int: Double])])
    func `Rates follow the policy`(keys: String, rates: [Int: Double]) throws {
        let options = try options(keys)
        for (update, rate) in rates {
            let found = Double(options.learningRate(atUpdate: update, seed: 1))
            #expect((found - rate).magnitude <= 2e-6 * rate, "update \(update): \(found), expected \(rate)")
        }
    }

    @Test func `A random rate is the update's own, the same whenever it is asked for`() throws {
        let options = try options("policy=random\npower=2")
        let rates = (1...4000).map { options.learningRate(atUpdate: $0, seed: 5) }
        #expect(rates == (1...4000).map { options.learningRate(atUpdate: $0, seed: 5) })
        #expect(Set(rates).count > 3900)
        #expect(rates.allSatisfy { $0 >= 0 && $0 < 0.1 })
        // The mean of a squared uniform number is a third; its deviation here is 0.0005.
        let mean = rates.reduce(0, +) / 4000
        #expect((mean - 0.1 / 3).magnitude < 0.002)
        #expect(rates != (1...4000).map { options.learningRate(atUpdate: $0, seed: 6) })
    }
}
