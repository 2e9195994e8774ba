/// Which images each batch holds.
///
/// A pure function of the iteration, so that a resumed run draws what an undisturbed one does.
///
/// With time steps, records that follow each other in the data set are a sequence's steps. What is drawn are whole sequences;
/// over an epoch they are those that begin at multiples of their length. Each mini-batch has the first steps of all its
/// sequences first.
public struct BatchSampler: Sendable {
    /// Images in the data set.
    public let count: Int
    /// Images per update.
    public let batch: Int
    private let timeSteps: Int
    /// Sequences per mini-batch.
    private let sequences: Int
    private let sampling: Sampling
    private let stream: RandomStream
    /// Sequences of an epoch.
    private let wholeSequences: Int
    /// Bits of each half of an index, so that both halves together number at least `wholeSequences`.
    private let halfBits: Int

    /// Draws batches for a network from `count` images.
    public init(count: Int, for options: NetOptions, seed: UInt64) {
        self.init(
            count: count, batch: options.batch, seed: seed, sampling: options.sampling, timeSteps: options.timeSteps,
            miniBatch: options.miniBatch)
    }

    /// Draws from `count` images.
    /// - Parameters:
    ///   - timeSteps: length of a sequence.
    ///   - miniBatch: images per pass, which divide the batch and are a multiple of the time steps; of no matter without.
    public init(
        count: Int, batch: Int, seed: UInt64, sampling: Sampling, timeSteps: Int = 1, miniBatch: Int? = nil
    ) {
        let miniBatch = miniBatch ?? batch
        precondition(count >= timeSteps && batch > 0, "there is at least one image to draw, and one to be drawn")
        precondition(batch % miniBatch == 0 && miniBatch % timeSteps == 0, "mini-batches are whole sequences")
        self.timeSteps = timeSteps
        sequences = miniBatch / timeSteps
        self.count = count
        self.batch = batch
        self.sampling = sampling
        stream = RandomStream(seed: seed, purpose: sampling == .epochs ? .shuffle : .sampling)
        wholeSequences = count / timeSteps
        halfBits = max(1, (Int.bitWidth - (wholeSequences - 1).leadingZeroBitCount + 1) / 2)
    }

    /// The images of an iteration's batch.
    public func indices(iteration: UInt64) -> [Int] {
        var indices = [Int](repeating: 0, count: batch)
        fill(iteration: iteration, into: &indices)
        return indices
    }

    /// Writes the images of an iteration's batch to `indices`, which has their number; allocates nothing.
    ///
    /// Batches follow each other through the epochs without a gap: a batch may end one epoch and begin the next.
    public func fill(iteration: UInt64, into indices: inout [Int]) {
        precondition(indices.count == batch, "a batch has \(batch) images, not \(indices.count)")
        for place in indices.indices {
            let (part, row) = place.quotientAndRemainder(dividingBy: sequences * timeSteps)
            let (step, sequence) = row.quotientAndRemainder(dividingBy: sequences)
            indices[place] = start(ofSequence: part * sequences + sequence, iteration: iteration) + step
        }
    }

    /// Where a sequence of an iteration's batch begins.
    private func start(ofSequence sequence: Int, iteration: UInt64) -> Int {
        switch sampling {
        case .epochs:
            let position = iteration * UInt64(batch / timeSteps) + UInt64(sequence)
            let whole = UInt64(wholeSequences)
            return shuffled(Int(position % whole), epoch: position / whole) * timeSteps
        case .withReplacement, .twice:
            var words = stream.block(UInt64(sequence), iteration: iteration)
            if sampling == .twice {
                // Of the sequences that the first draw took one, by the words that are left of the block.
                let drawn = Self.number(below: batch / timeSteps, words.z, words.w)
                words = stream.block(UInt64(drawn), iteration: iteration)
            }
            return Self.number(below: count - timeSteps + 1, words.x, words.y)
        }
    }

    private static func number(below bound: Int, _ low: UInt32, _ high: UInt32) -> Int {
        Int((UInt64(high) << 32 | UInt64(low)).multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// Where an epoch's permutation sends an index.
    ///
    /// A Feistel network permutes the numbers of 2 × `halfBits` bits; results past the end are sent on until one lies
    /// inside (Black and Rogaway, CT-RSA'02). Needs no table: any epoch's order is at hand at once.
    /// - Complexity: fewer than four trips through the network on average.
    private func shuffled(_ index: Int, epoch: UInt64) -> Int {
        let mask = (1 << halfBits) - 1
        var value = index
        repeat {
            var left = value >> halfBits
            var right = value & mask
            for round in 0..<6 {
                let noise = stream.block(UInt64(round) << 32 | UInt64(right), iteration: epoch).x
                (left, right) = (right, left ^ (Int(noise) & mask))
            }
            value = left << halfBits | right
        } while value >= wholeSequences
        return value
    }
}
