import Glibc
import PliniusNN
import Testing

/// How characters are drawn from what a network predicts.
@Suite struct CharacterDrawTests {
    private static func draw(
        _ probabilities: [Float], temperature: Float, own: Float = 1, text: Int = 0, place: Int = 0
    )
        -> Int?
    {
        CharacterDraw(seed: 5, temperature: temperature, insteadOf: own).draw(
            from: probabilities.span, text: text, place: place)
    }

    /// Probabilities of logits at a temperature, those below 1e-4 left out, as the formulas say.
    private static func expected(_ logits: [Double], temperature: Double) -> [Double] {
        let powers = logits.map { exp($0 / temperature) }
        let shares = powers.map { $0 / powers.reduce(0, +) }.map { $0 < 1e-4 ? 0 : $0 }
        return shares.map { $0 / shares.reduce(0, +) }
    }

    private static func probabilities(_ logits: [Double], temperature: Double) -> [Float] {
        let powers = logits.map { exp($0 / temperature) }
        return powers.map { Float($0 / powers.reduce(0, +)) }
    }

    @Test(arguments: [0.7, 1, 2.5], [1, 0.5])
    func `Characters come as often as the softmax of that temperature says`(temperature: Double, own: Double) {
        let logits = [1.0, -2, 0.5, 3, -12, 2.5]
        let probabilities = Self.probabilities(logits, temperature: own)
        let expected = Self.expected(logits, temperature: temperature)
        let count = 20_000
        var found = [Int](repeating: 0, count: logits.count)
        let draw = CharacterDraw(seed: 3, temperature: Float(temperature), insteadOf: Float(own))
        for place in 0..<count {
            guard let label = draw.draw(from: probabilities.span, text: place % 7, place: place / 7) else {
                Issue.record("nothing is drawn")
                return
            }
            found[label] += 1
        }
        for (label, share) in expected.enumerated() {
            // Five standard deviations.
            let deviation = 5 * (share * (1 - share) * Double(count)).squareRoot()
            #expect(abs(Double(found[label]) - share * Double(count)) <= deviation, "\(label): \(found), \(expected)")
        }
        #expect((found[4] == 0) == (temperature < 2), "a probability below 1e-4 is none: \(found)")
    }

    @Test func `Each draw is where its number falls among the shares`() {
        let probabilities: [Float] = [0.25, 0, 0.5, 0.00005, 0.25]
        let stream = RandomStream(seed: 5, purpose: .generation)
        for text in 0..<10 {
            for place in 0..<20 {
                let unit = RandomStream.unit(stream.block(UInt64(text), iteration: UInt64(place)).x)
                let label = unit < 0.25 ? 0 : unit < 0.75 ? 2 : 4
                #expect(Self.draw(probabilities, temperature: 1, text: text, place: place) == label)
            }
        }
    }

    @Test func `What is unlikely is never drawn, however much of it there is`() {
        // Together they are 4 of 100, but each is below 1e-4 of all.
        let probabilities = [Float](repeating: 0.00009, count: 400) + [0.94, 0.01, 0.01]
        let drawn = (0..<4000).map { Self.draw(probabilities, temperature: 1, place: $0) ?? -1 }
        #expect(drawn.allSatisfy { $0 >= 400 } && Set(drawn).count > 1)
    }

    @Test func `A low temperature takes the likeliest, a high one any`() {
        let probabilities: [Float] = [0.1, 0.2, 0.4, 0.3]
        var seen: [Set<Int>] = [[], []]
        for place in 0..<100 {
            for (kind, temperature) in [Float(0.01), 100].enumerated() {
                seen[kind].insert(Self.draw(probabilities, temperature: temperature, place: place) ?? -1)
            }
        }
        #expect(seen == [[2], [0, 1, 2, 3]])
    }

    @Test func `What is no probability is not drawn from`() {
        for bad in [[], [0, 0], [.nan, 1], [1, .infinity], [-1, 0]] as [[Float]] {
            #expect(Self.draw(bad, temperature: 1) == nil, "\(bad)")
        }
        // However small they are, the likeliest is one.
        #expect(Self.draw([0, .leastNonzeroMagnitude], temperature: 0.01) == 1)
    }

    @Test func `Networks that end with a softmax over their inputs continue texts`() throws {
        func temperature(_ text: String) throws -> Float? {
            try parse("[net]\ninputs=8\n\(text)").generationTemperature
        }
        #expect(try temperature("[connected]\noutput=8\n[softmax]\ntemperature=.5") == 0.5)
        #expect(try temperature("[gru]\noutput=8\n[softmax]\n[cost]") == 1)
        for other in [
            "[connected]\noutput=7\n[softmax]", "[connected]\noutput=8\n[cost]", "[softmax]\ngroups=2",
            "[softmax]\ntree=-1,-1,0,0,1,1,1,1", "[logistic]",
        ] { #expect(try temperature(other) == nil, "\(other)") }
        #expect(
            try parse("[net]\ninputs=8\nbatch=6\nsubdivisions=2\ntime_steps=5\n[softmax]").generationBatch(of: 9) == 3)
        #expect(try parse("[net]\ninputs=8\nbatch=6\n[softmax]").generationBatch(of: 4) == 4)
    }
}
