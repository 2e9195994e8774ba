public import PliniusNN

/// The mean of several models of one network, parameter by parameter; rolling statistics are averaged as well.
///
/// Sums run in `Double`, where those of finite 32-bit numbers stay finite.
public struct ModelAverage: Sendable {
    /// What all models describe.
    public let network: NetworkDescription
    /// Models added so far.
    public private(set) var count = 0
    /// The largest of the models' counts: they saw the same images, more likely than not.
    private var imagesSeen: UInt64 = 0
    /// Of all exported tensors, one after the other in the layout's order.
    private var sums: [Double]

    /// Starts with no model.
    public init(of network: NetworkDescription) {
        self.network = network
        sums = [Double](repeating: 0, count: network.layout.parameterCount)
    }

    /// Adds a model; traps if it is of another layout.
    /// - Complexity: O(parameters).
    public mutating func add(_ model: Model) {
        precondition(model.network.layout == network.layout, "the model is of another network")
        var place = 0
        for tensor in network.layout.tensors where tensor.role.isExported {
            for value in model.values(tensor) {
                sums[place] += Double(value)
                place += 1
            }
        }
        count += 1
        imagesSeen = max(imagesSeen, model.imagesSeen)
    }

    /// The mean of the models so far, at iteration 0; traps if there is none.
    /// - Complexity: O(parameters).
    public func model() -> Model {
        precondition(count > 0, "there is no mean of no models")
        let arena = ParameterArena(layout: network.layout)
        var place = 0
        for tensor in network.layout.tensors where tensor.role.isExported {
            arena.store(sums[place..<place + tensor.count].map { Float($0 / Double(count)) }, in: tensor)
            place += tensor.count
        }
        return Model(network: network, arena: arena, iteration: 0, imagesSeen: imagesSeen)
    }
}

extension ParameterArena {
    /// Sets a tensor's values, as many as it has.
    func store(_ values: [Float], in tensor: ArenaTensor) {
        precondition(values.count == tensor.count, "\(tensor.fullName) has \(tensor.count) values")
        let floats = unsafe floats(of: tensor)
        for index in values.indices { unsafe floats[index] = values[index] }
    }
}
