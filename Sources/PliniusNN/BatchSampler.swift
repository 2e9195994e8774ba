/// Which images each batch holds.
///
/// A pure function of the iteration, so that a resumed run draws what an undisturbed one does.
public struct BatchSampler: Sendable {
    /// Images in the data set.
    public let count: Int
    /// Images per update.
    public let batch: Int
    private let sampling: Sampling
    private let stream: RandomStream
    /// Bits of each half of an index, so that both halves together number at least `count` images.
    private let halfBits: Int

    /// Draws from `count` images.
    public init(count: Int, batch: Int, seed: UInt64, sampling: Sampling) {
        precondition(count > 0 && batch > 0, "there is at least one image to draw, and one to be drawn")
        self.count = count
        self.batch = batch
        self.sampling = sampling
        stream = RandomStream(seed: seed, purpose: sampling == .epochs ? .shuffle : .sampling)
        halfBits = max(1, (Int.bitWidth - (count - 1).leadingZeroBitCount + 1) / 2)
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
            switch sampling {
            case .epochs:
                let position = iteration * UInt64(batch) + UInt64(place)
                indices[place] = shuffled(Int(position % UInt64(count)), epoch: position / UInt64(count))
            case .withReplacement:
                let words = stream.block(UInt64(place), iteration: iteration)
                let word = UInt64(words.y) << 32 | UInt64(words.x)
                indices[place] = Int(word.multipliedFullWidth(by: UInt64(count)).high)
            }
        }
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
        } while value >= count
        return value
    }
}
