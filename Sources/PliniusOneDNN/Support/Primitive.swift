internal import COneDNN

/// One compiled operation of oneDNN, bound to the plan's memory.
@safe
final class Primitive {
    enum Role {
        case source
        case weights
        case bias
        case destination
        case scratch

        fileprivate var raw: conednn_argument {
            switch self {
            case .source: CONEDNN_SOURCE
            case .weights: CONEDNN_WEIGHTS
            case .bias: CONEDNN_BIAS
            case .destination: CONEDNN_DESTINATION
            case .scratch: CONEDNN_SCRATCH
            }
        }
    }

    private let pointer: OpaquePointer
    private let engine: Engine

    /// Takes over a primitive that the shim made.
    @unsafe init(taking pointer: OpaquePointer, engine: Engine) {
        unsafe self.pointer = unsafe pointer
        self.engine = engine
    }

    deinit { unsafe conednn_primitive_destroy(pointer) }

    /// The layout that the primitive wants of an argument.
    func layout(of role: Role) -> TensorLayout {
        guard let layout = unsafe conednn_primitive_layout(pointer, role.raw) else {
            fatalError("no memory for the description of a tensor")
        }
        return unsafe TensorLayout(taking: layout)
    }

    /// Bytes of an argument; 0 if there is no such argument.
    func byteCount(of role: Role) -> Int { unsafe conednn_primitive_bytes(pointer, role.raw) }

    /// oneDNN's name of the code that runs, such as `jit_wino_4x3:avx512_core`.
    var implementation: String { unsafe String(cString: conednn_primitive_implementation(pointer)) }

    /// Whether it runs oneDNN's plain loops, which are there for their correctness alone.
    var isPlain: Bool { implementation.hasPrefix("ref") }

    /// Tells where an argument lies, for good.
    @unsafe func bind(_ role: Role, _ memory: UnsafeMutableRawPointer) {
        unsafe conednn_primitive_bind(pointer, role.raw, memory)
    }

    /// Runs to the end.
    func run() {
        let status = unsafe conednn_primitive_run(engine.pointer, pointer)
        precondition(
            status == 0, "oneDNN's \(implementation) failed: \(unsafe String(cString: conednn_status_text(status)))")
    }
}

extension Primitive {
    enum Pass: Sendable {
        case forward
        case inputGradient
        case weightGradient
        /// Forward, with nothing kept for the gradients.
        case inference

        fileprivate var raw: conednn_pass {
            switch self {
            case .forward: CONEDNN_FORWARD
            case .inputGradient: CONEDNN_BACKWARD_DATA
            case .weightGradient: CONEDNN_BACKWARD_WEIGHTS
            case .inference: CONEDNN_INFERENCE
            }
        }
    }

    /// Copies from one layout to another, or adds to what is there.
    static func reorder(
        _ engine: Engine, from source: TensorLayout, to destination: TensorLayout, adding: Bool = false
    ) throws(OneDNNError) -> Primitive {
        var made: OpaquePointer?
        let status = unsafe conednn_reorder_create(engine.pointer, source.pointer, destination.pointer, adding, &made)
        return try unsafe take(made, status, engine, "change of layout")
    }

    /// Correlates images with filters, or takes one of the gradients of that.
    ///
    /// - Parameter negativeSlope: what the forward pass multiplies negative sums by.
    /// - Throws: if oneDNN has no code for it, as when Winograd's algorithm is asked for and there is none.
    static func convolution(
        _ engine: Engine, _ pass: Pass, winograd: Bool, stride: Int, padding: Int, source: TensorLayout,
        weights: TensorLayout, bias: TensorLayout?, destination: TensorLayout, negativeSlope: Float = 1
    ) throws(OneDNNError) -> Primitive {
        var made: OpaquePointer?
        var convolution = unsafe conednn_convolution(
            pass: pass.raw, winograd: winograd, stride: Int64(stride), padding: Int64(padding), source: source.pointer,
            weights: weights.pointer, bias: bias?.pointer, destination: destination.pointer,
            negative_slope: negativeSlope)
        let status = unsafe conednn_convolution_create(engine.pointer, &convolution, &made)
        return try unsafe take(made, status, engine, winograd ? "Winograd convolution" : "convolution")
    }

    /// Multiplies rows by weights, or takes one of the gradients of that.
    static func innerProduct(
        _ engine: Engine, _ pass: Pass, source: TensorLayout, weights: TensorLayout, bias: TensorLayout?,
        destination: TensorLayout, negativeSlope: Float = 1
    ) throws(OneDNNError) -> Primitive {
        var made: OpaquePointer?
        let status = unsafe conednn_inner_product_create(
            engine.pointer, pass.raw, source.pointer, weights.pointer, bias?.pointer, destination.pointer,
            negativeSlope, &made)
        return try unsafe take(made, status, engine, "inner product")
    }

    private static func take(
        _ made: OpaquePointer?, _ status: CInt, _ engine: Engine, _ operation: String
    ) throws(OneDNNError) -> Primitive {
        try OneDNNError.check(status, operation)
        guard let made = unsafe made else { fatalError("oneDNN reports success and gives no \(operation)") }
        return unsafe Primitive(taking: made, engine: engine)
    }
}
