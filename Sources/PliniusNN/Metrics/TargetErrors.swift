/// How far predicted numbers are from those of a data set, for each place of a sample.
public struct TargetErrors: Sendable {
    /// Samples.
    public private(set) var count = 0
    /// Sums over the samples.
    public private(set) var squares, magnitudes: [Double]
    /// The targets' means, and the sums of their squared distances from them (Welford's recurrence).
    public private(set) var means, spreads: [Double]

    /// Begins with no sample of `targets` numbers.
    public init(targets: Int) {
        let zeros = Array(repeating: 0.0, count: targets)
        (squares, magnitudes, means, spreads) = (zeros, zeros, zeros, zeros)
    }

    /// Takes a sample: its numbers are those from `place` on.
    public mutating func add(_ outputs: Span<Float>, _ truth: Span<Float>, at place: Int) {
        count += 1
        for target in squares.indices {
            let expected = Double(truth[place + target])
            let error = Double(outputs[place + target]) - expected
            squares[target] += error * error
            magnitudes[target] += error.magnitude
            let distance = expected - means[target]
            means[target] += distance / Double(count)
            spreads[target] += distance * (expected - means[target])
        }
    }
}
