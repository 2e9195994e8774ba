public import PliniusNN

extension Model {
    /// Takes the first layers as a model of their own, which has seen no image yet.
    /// - Parameter part: The network of these layers alone, see ``ConfigEdit/partial(_:of:layers:)``.
    /// - Throws: ``ModelError``, `.mismatch` if `part` does not begin this network.
    /// - Complexity: O(parameters of the part + tensors).
    public func partial(as part: NetworkDescription) throws(ModelError) -> Model {
        let layout = part.layout
        guard network.layout.tensors.prefix(layout.tensors.count).elementsEqual(layout.tensors) else {
            throw ModelError(
                .mismatch, "the first \(part.layers.count) layers",
                "their tensors are not those that the network begins with")
        }
        let arena = ParameterArena(layout: layout)
        for tensor in layout.tensors where tensor.role.isExported { arena.store(values(tensor), in: tensor) }
        return Model(network: part, arena: arena, iteration: 0, imagesSeen: 0)
    }
}
