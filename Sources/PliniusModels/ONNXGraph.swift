import PliniusNN

/// Puts a graph of ONNX together: nodes in the order of their computation, and the constants that they read.
///
/// Field numbers are those of onnx.proto, IR version 8.
struct ONNXGraph {
    /// What a node's computation depends on besides its inputs.
    enum Attribute {
        case number(Int)
        case numbers([Int])
        case float(Float)
        case text(String)
    }

    /// A tensor of the graph.
    struct Value {
        let name: String
        /// The extents of one image.
        let shape: Shape
        /// Whether it is (images, values), rather than (images, channels, height, width).
        var isFlat = false
    }

    private enum ElementType {
        static let float = 1
        static let int64 = 7
    }

    private var nodes: [[UInt8]] = []
    private var constants: [[UInt8]] = []
    private var names: Set<String> = []

    /// Adds a node.
    /// - Parameter name: Of the node and of its output; numbered if it is taken.
    /// - Returns: The name of its output.
    mutating func add(
        _ operation: String, _ inputs: [String], _ attributes: [(name: String, value: Attribute)] = [],
        named name: String
    ) -> String {
        let output = unused(name)
        var node = ProtobufWriter()
        for input in inputs { node.write(1, input) }
        node.write(2, output)
        node.write(3, output)
        node.write(4, operation)
        for attribute in attributes { node.write(5) { Self.write(attribute.name, attribute.value, to: &$0) } }
        nodes.append(node.bytes)
        return output
    }

    /// Adds a constant of floats, given as their bytes.
    /// - Returns: Its name.
    mutating func constant(_ name: String, _ shape: [Int], floats: [UInt8]) -> String {
        addConstant(name, shape, ElementType.float, floats)
    }

    /// Adds a single float.
    mutating func constant(_ name: String, _ value: Float) -> String {
        constant(name, [], floats: Self.little(value.bitPattern))
    }

    /// Adds a list of whole numbers.
    mutating func constant(_ name: String, _ numbers: [Int]) -> String {
        addConstant(name, [numbers.count], ElementType.int64, numbers.flatMap { Self.little(Int64($0)) })
    }

    /// Adds a list of floats.
    mutating func constant(_ name: String, _ numbers: [Float]) -> String {
        constant(name, [numbers.count], floats: numbers.flatMap { Self.little($0.bitPattern) })
    }

    /// The graph as a message.
    func encoded(named name: String, input: Value, output: Value) -> [UInt8] {
        var graph = ProtobufWriter()
        for node in nodes { graph.write(1, bytes: node) }
        graph.write(2, name)
        for constant in constants { graph.write(5, bytes: constant) }
        graph.write(11) { Self.write(input, to: &$0) }
        graph.write(12) { Self.write(output, to: &$0) }
        return graph.bytes
    }

    private mutating func addConstant(_ name: String, _ shape: [Int], _ type: Int, _ data: [UInt8]) -> String {
        let name = unused(name)
        var tensor = ProtobufWriter()
        for extent in shape { tensor.write(1, extent) }
        tensor.write(2, type)
        tensor.write(8, name)
        tensor.write(9, bytes: data)
        constants.append(tensor.bytes)
        return name
    }

    private mutating func unused(_ name: String) -> String {
        var (candidate, number) = (name, 1)
        while !names.insert(candidate).inserted {
            number += 1
            candidate = "\(name).\(number)"
        }
        return candidate
    }

    private static func write(_ name: String, _ attribute: Attribute, to message: inout ProtobufWriter) {
        message.write(1, name)
        switch attribute {
        case .float(let value):
            message.write(2, value)
            message.write(20, 1)
        case .number(let value):
            message.write(3, value)
            message.write(20, 2)
        case .text(let value):
            message.write(4, value)
            message.write(20, 3)
        case .numbers(let values):
            for value in values { message.write(8, value) }
            message.write(20, 7)
        }
    }

    /// Writes a name with its type and extents, of which the number of images is left open.
    private static func write(_ value: Value, to message: inout ProtobufWriter) {
        let shape = value.shape
        message.write(1, value.name)
        message.write(2) { type in
            type.write(1) { tensor in
                tensor.write(1, ElementType.float)
                tensor.write(2) { extents in
                    extents.write(1) { $0.write(2, "images") }
                    for extent in value.isFlat ? [shape.count] : [shape.channels, shape.height, shape.width] {
                        extents.write(1) { $0.write(1, extent) }
                    }
                }
            }
        }
    }

    private static func little(_ value: some FixedWidthInteger) -> [UInt8] {
        stride(from: 0, to: value.bitWidth, by: 8).map { UInt8(truncatingIfNeeded: value >> $0) }
    }
}
