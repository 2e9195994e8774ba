public import PliniusNN

/// What the values of one tensor look like.
public struct TensorStatistics: Hashable, Sendable {
    /// The tensor that is described.
    public let tensor: ArenaTensor
    /// Its name in files: `layers.3.weights`.
    public let name: String
    /// Smallest of the finite values; nil if there are none, as for the following three.
    public let minimum: Float?
    /// Largest of the finite values.
    public let maximum: Float?
    /// Mean of the finite values.
    public let mean: Double?
    /// Standard deviation of the finite values about their mean, with the divisor N.
    public let standardDeviation: Double?
    /// Values that are zero, of either sign.
    public let zeros: Int
    /// NaNs and infinities.
    public let nonFinite: Int
    /// Index of the first value that is not finite, row-major.
    public let firstNonFinite: Int?

    /// Looks at all values of a tensor.
    /// - Complexity: O(values), in two passes.
    init(_ tensor: ArenaTensor, _ values: [Float]) {
        self.tensor = tensor
        name = tensor.fullName
        let finite = values.lazy.filter(\.isFinite)
        minimum = finite.min()
        maximum = finite.max()
        zeros = values.count { $0 == 0 }
        let finiteCount = values.count(where: \.isFinite)
        nonFinite = values.count - finiteCount
        firstNonFinite = values.firstIndex { !$0.isFinite }
        guard finiteCount > 0 else {
            mean = nil
            standardDeviation = nil
            return
        }
        let center = finite.reduce(0.0) { $0 + Double($1) } / Double(finiteCount)
        let squares = finite.reduce(0.0) { $0 + (Double($1) - center) * (Double($1) - center) }
        mean = center
        standardDeviation = (squares / Double(finiteCount)).squareRoot()
    }
}

extension Model {
    /// Describes every tensor of the parameters and rolling statistics, layer after layer.
    /// - Complexity: O(parameters).
    public func statistics() -> [TensorStatistics] {
        network.layout.tensors.filter(\.role.isExported).map { TensorStatistics($0, values($0)) }
    }
}
