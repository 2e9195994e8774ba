import Foundation
import PliniusNN
import Testing

/// Which images a batch holds.
@Suite struct BatchSamplerTests {
    private static let seed: UInt64 = 0x0123_4567_89AB_CDEF

    /// All positions of some epochs, one epoch a row; the batches need not divide them.
    private func epochs(_ number: Int, count: Int, batch: Int, seed: UInt64 = seed) -> [[Int]] {
        let sampler = BatchSampler(count: count, batch: batch, seed: seed, sampling: .epochs)
        let batches = (number * count + batch - 1) / batch
        let flat = (0..<batches).flatMap { sampler.indices(iteration: UInt64($0)) }
        return (0..<number).map { Array(flat[$0 * count..<($0 + 1) * count]) }
    }

    @Test(arguments: [1, 2, 3, 5, 16, 17, 64, 65, 100, 1000, 4097])
    func `Each epoch holds every image once, in an order of its own`(count: Int) {
        let epochs = epochs(5, count: count, batch: 7)
        for epoch in epochs { #expect(epoch.sorted() == Array(0..<count)) }
        if count >= 16 {
            #expect(Set(epochs).count == 5)
            #expect(!epochs.contains(Array(0..<count)))
        }
    }

    @Test func `The order is that of another implementation`() {
        #expect(
            epochs(2, count: 10, batch: 4) == [[1, 0, 7, 5, 6, 2, 4, 3, 8, 9], [3, 0, 6, 9, 1, 7, 5, 4, 8, 2]])
        let large = BatchSampler(count: 60_000, batch: 4, seed: Self.seed, sampling: .epochs)
        #expect(large.indices(iteration: 0) == [57_395, 29_078, 25_410, 27_858])
        let drawn = BatchSampler(count: 60_000, batch: 4, seed: Self.seed, sampling: .withReplacement)
        #expect(drawn.indices(iteration: 5) == [22_973, 23_370, 47_299, 43_559])
        let twice = BatchSampler(count: 60_000, batch: 4, seed: Self.seed, sampling: .twice)
        #expect(twice.indices(iteration: 5) == [23_370, 22_973, 43_559, 23_370])
    }

    @Test(arguments: Sampling.allCases)
    func `A batch depends on its iteration and the seed alone`(sampling: Sampling) {
        let sampler = BatchSampler(count: 977, batch: 32, seed: 1, sampling: sampling)
        let forward = (0..<200).map { sampler.indices(iteration: $0) }
        let again = BatchSampler(count: 977, batch: 32, seed: 1, sampling: sampling)
        #expect((0..<200).reversed().map { again.indices(iteration: $0) } == forward.reversed())
        let other = BatchSampler(count: 977, batch: 32, seed: 2, sampling: sampling)
        #expect((0..<200).map { other.indices(iteration: $0) } != forward)
        #expect(Set(forward).count == 200)
    }

    @Test(arguments: Sampling.allCases)
    func `Images are spread evenly over the places of an epoch`(sampling: Sampling) {
        // Chi-squared over 20 images × 20 places, from 2000 epochs: 361 (380 drawn) degrees of freedom, deviation 27.
        let count = 20
        let sampler = BatchSampler(count: count, batch: count, seed: 3, sampling: sampling)
        var counts = [Int](repeating: 0, count: count * count)
        for epoch in 0..<2000 {
            for (place, image) in sampler.indices(iteration: UInt64(epoch)).enumerated() {
                counts[place * count + image] += 1
            }
        }
        let expected = 2000.0 / Double(count)
        let statistic = counts.reduce(0.0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
        #expect(statistic > 240 && statistic < 520)
    }

    @Test func `Drawing with replacement repeats images, epochs do not`() {
        let drawn = BatchSampler(count: 128, batch: 128, seed: 1, sampling: .withReplacement)
        let distinct = (0..<100).reduce(0) { $0 + Set(drawn.indices(iteration: $1)).count }
        // 1 − (127/128)^128 of 128 are 81.1.
        #expect(distinct > 7900 && distinct < 8320)
    }

    @Test(arguments: [(60_000, 128, 81.04), (50, 24, 13.32)])
    func `Drawing twice leaves what is drawn from what was drawn`(count: Int, batch: Int, about: Double) {
        let sampler = BatchSampler(count: count, batch: batch, seed: 5, sampling: .twice)
        let distinct = (0..<2000).reduce(0) { $0 + Set(sampler.indices(iteration: $1)).count }
        // An image that was drawn k times is in none of the rows with probability (1 − k/n)^n; k is binomial.
        let (n, one) = (Double(batch), 1 / Double(count))
        var (chance, missing) = (pow(1 - one, n), 0.0)
        for k in 0...batch {
            missing += chance * pow(1 - Double(k) / n, n)
            chance *= (n - Double(k)) / Double(k + 1) * one / (1 - one)
        }
        let expected = Double(count) * (1 - missing)
        #expect(abs(expected - about) < 0.01)
        #expect(abs(Double(distinct) / 2000 - expected) < 0.4)
    }

    @Test func `Neighbours of one epoch are strangers in the next`() {
        let epochs = epochs(2, count: 10_000, batch: 100)
        func pairs(_ epoch: [Int]) -> Set<[Int]> { Set(zip(epoch, epoch.dropFirst()).map { [$0, $1] }) }
        #expect(pairs(epochs[0]).intersection(pairs(epochs[1])).count < 10)
    }

    @Test func `A position far into a run is reached as fast as the first`() {
        let sampler = BatchSampler(count: 60_000, batch: 128, seed: 1, sampling: .epochs)
        let late = sampler.indices(iteration: 4_000_000_000)
        #expect(late.allSatisfy { (0..<60_000).contains($0) } && Set(late).count == 128)
    }

    // MARK: Sequences

    @Test(arguments: Sampling.allCases)
    func `Steps of a sequence follow each other, all sequences' first steps first in each mini-batch`(
        sampling: Sampling
    ) {
        // Two mini-batches of three sequences of four steps.
        let sampler = BatchSampler(
            count: 50, batch: 24, seed: Self.seed, sampling: sampling, timeSteps: 4, miniBatch: 12)
        for iteration in 0..<20 as Range<UInt64> {
            let indices = sampler.indices(iteration: iteration)
            for part in 0..<2 {
                for row in 3..<12 { #expect(indices[part * 12 + row] == indices[part * 12 + row - 3] + 1) }
                for row in 0..<3 { #expect(indices[part * 12 + row] >= 0 && indices[part * 12 + row] + 3 < 50) }
            }
        }
    }

    @Test func `An epoch has each whole sequence once`() {
        // Twelve sequences of four steps, and two records that are left over.
        let sampler = BatchSampler(count: 50, batch: 16, seed: Self.seed, sampling: .epochs, timeSteps: 4)
        for epoch in 0..<5 as Range<UInt64> {
            let indices = (0..<3).flatMap { sampler.indices(iteration: epoch * 3 + $0) }
            #expect(indices.sorted() == Array(0..<48))
        }
        #expect(sampler.indices(iteration: 0) != sampler.indices(iteration: 3))
    }

    @Test func `Sequences that are drawn at random begin anywhere`() {
        let sampler = BatchSampler(count: 10, batch: 12, seed: Self.seed, sampling: .withReplacement, timeSteps: 4)
        let starts = (0..<100).flatMap { sampler.indices(iteration: $0)[0..<3] }
        #expect(Set(starts) == Set(0...6))
    }
}
