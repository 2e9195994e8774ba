public import PliniusNN

/// A network with its parameters, as it is exchanged with other programs.
///
/// Files of other programs know neither the solver's velocity nor the seed, so those are no part of it.
public struct Model: Sendable {
    public let network: NetworkDescription
    /// What the network has learned; laid out for it.
    public let arena: ParameterArena
    /// Updates that the parameters have seen.
    public let iteration: UInt64
    /// Images that the parameters have been trained on: what Darknet calls `seen`.
    public let imagesSeen: UInt64

    /// Takes the parts as they are named; traps if the arena is laid out for another network.
    public init(network: NetworkDescription, arena: ParameterArena, iteration: UInt64, imagesSeen: UInt64) {
        precondition(network.layout == arena.layout, "the arena is laid out for another network")
        self.network = network
        self.arena = arena
        self.iteration = iteration
        self.imagesSeen = imagesSeen
    }

    /// A tensor's values; none if the layer has no such tensor.
    func values(layer: Int, _ role: TensorRole) -> [Float] {
        network.layout.tensor(layer: layer, role: role).map { values($0) } ?? []
    }

    /// The values of one of its tensors.
    func values(_ tensor: ArenaTensor) -> [Float] { unsafe Array(arena.floats(of: tensor)) }

    /// Appends a tensor's values, little-endian.
    func append(_ tensor: ArenaTensor, to bytes: inout [UInt8]) {
        // Swift runs on little-endian machines only, as does everything else here; the arena's bytes are the file's.
        unsafe bytes.append(contentsOf: UnsafeRawBufferPointer(arena.floats(of: tensor)))
    }
}

extension ArenaTensor {
    /// What files and messages call it: `layers.3.weights`.
    var fullName: String { "layers.\(layer).\(part > 0 ? "\(part)." : "")\(role)" }
}
