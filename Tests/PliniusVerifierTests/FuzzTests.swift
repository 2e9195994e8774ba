import Testing
import _PliniusFuzzing

/// Two thousand changes of each parser's inputs, the same ones in every run; `make fuzz` looks for others, guided by what they reach.
@Suite("Parsers against changed inputs")
struct FuzzTests {
    static let mutantCount = 2_000

    @Test("Nothing traps, and nothing is accepted in part", arguments: FuzzedParser.all.map(\.name))
    func mutants(name: String) throws {
        let parser = try #require(FuzzedParser.all.first { $0.name == name })
        let seeds = parser.seeds(from: Samples())
        #expect(!seeds.isEmpty)
        var mutations = Mutations(seed: 2019)
        for seed in seeds + [[]] {
            #expect(parser.violation(seed) == nil)
        }
        for index in 0..<Self.mutantCount {
            let mutant = mutations.mutant(
                of: seeds[index % seeds.count], among: seeds, atMost: parser.maximumByteCount)
            let violation = parser.violation(mutant)
            try #require(violation == nil, "\(name), mutant \(index): \(mutant.count) bytes")
        }
    }

    @Test("The smallest input of a kind is accepted", arguments: FuzzedParser.all.map(\.name))
    func seeds(name: String) throws {
        let parser = try #require(FuzzedParser.all.first { $0.name == name })
        let accepted = parser.seeds(from: Samples(folder: nil)).filter { parser.accepts($0) }
        #expect(!accepted.isEmpty)
    }
}
