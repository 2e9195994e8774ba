internal import COneDNN
internal import PliniusNN

/// An activation as the shim's kernels take it.
enum ActivationFunction {
    /// One comparison: fused into the pass over memory that normalises.
    case bent(conednn_slopes)
    /// Everything else: a pass of its own.
    case curved(conednn_curve)

    init(_ activation: Activation) {
        self =
            switch activation {
            case .linear: .bent(conednn_slopes(positive: 1, negative: 1))
            case .relu: .bent(conednn_slopes(positive: 1, negative: 0))
            case .relie: .bent(conednn_slopes(positive: 1, negative: 0.01))
            case .ramp: .bent(conednn_slopes(positive: 1.1, negative: 0.1))
            case .leaky: .bent(conednn_slopes(positive: 1, negative: 0.1))
            case .logistic: .curved(CONEDNN_LOGISTIC)
            case .loggy: .curved(CONEDNN_LOGGY)
            case .elu: .curved(CONEDNN_ELU)
            case .selu: .curved(CONEDNN_SELU)
            case .tanh: .curved(CONEDNN_TANH)
            case .plse: .curved(CONEDNN_PLSE)
            case .stair: .curved(CONEDNN_STAIR)
            case .hardtan: .curved(CONEDNN_HARDTAN)
            case .lhtan: .curved(CONEDNN_LHTAN)
            }
    }

    /// What the kernels that fuse it do in their own pass: all of it, or nothing.
    var fused: conednn_slopes {
        switch self {
        case .bent(let slopes): slopes
        case .curved: conednn_slopes(positive: 1, negative: 1)
        }
    }

    var isLinear: Bool {
        if case .bent(let slopes) = self { slopes.positive == 1 && slopes.negative == 1 } else { false }
    }

    /// Whether the kernels that fuse it do all of it.
    var isFused: Bool {
        if case .bent = self { true } else { false }
    }

    /// What a primitive of oneDNN may do to the negative sums that it has made; 1 is nothing.
    ///
    /// Not relu's zero: the maximum by which oneDNN takes it makes zeros of NaN.
    var negativeSlope: Float {
        guard case .bent(let slopes) = self, slopes.positive == 1, slopes.negative > 0 else { return 1 }
        return slopes.negative
    }

    /// Applies what is not fused to `values`, in place.
    func finish(_ engine: Engine, _ values: Tensor) {
        guard case .curved(let curve) = self else { return }
        unsafe conednn_curve_forward(engine.pointer, values.layout.extents, curve, values.region.floats)
    }

    /// Multiplies delta by the derivative of what is not fused.
    func beginBackward(_ engine: Engine, output: Tensor, delta: Region) {
        guard case .curved(let curve) = self else { return }
        unsafe conednn_curve_backward(
            engine.pointer, Int64(output.layout.floatCount), curve, output.region.floats, delta.floats)
    }
}
