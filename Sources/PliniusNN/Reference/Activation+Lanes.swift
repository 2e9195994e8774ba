extension Activation {
    /// The function's value.
    ///
    /// Written so that NaN stays NaN: what `max` would swallow could not be found later.
    @inline(__always) func value<Scalar: ReferenceScalar>(at x: SIMD8<Scalar>) -> SIMD8<Scalar> {
        switch self {
        case .linear: x
        case .leaky: x.above(0, x, 0.1 * x)
        case .relu: x.below(0, .zero, x)
        case .relie: x.above(0, x, 0.01 * x)
        case .ramp: x.above(0, 1.1 * x, 0.1 * x)
        case .hardtan: x.below(-1, -.one, x.above(1, .one, x))
        case .lhtan: x.below(0, 0.001 * x, x.above(1, 0.001 * (x - 1) + 1, x))
        case .plse: x.below(-4, 0.01 * (x + 4), x.above(4, 0.01 * (x - 4) + 1, 0.125 * x + 0.5))
        // As a closure of its own: the bound method would be an object for each vector.
        default: x.mapLanes { curve($0) }
        }
    }

    /// The function's derivative, given its value `y`.
    @inline(__always) func slope<Scalar: ReferenceScalar>(at y: SIMD8<Scalar>) -> SIMD8<Scalar> {
        switch self {
        case .linear: .one
        case .leaky: y.above(0, .one, 0.1 * .one)
        case .relu: y.above(0, .one, .zero)
        case .relie: y.above(0, .one, 0.01 * .one)
        case .ramp: y.above(0, 1.1 * .one, 0.1 * .one)
        case .hardtan: y.above(-1, y.below(1, .one, .zero), .zero)
        case .lhtan: y.above(0, y.below(1, .one, 0.001 * .one), 0.001 * .one)
        case .plse: y.below(0, 0.01 * .one, y.above(1, 0.01 * .one, 0.125 * .one))
        case .logistic: y * (1 - y)
        case .loggy: 0.5 * (1 + y) * (1 - y)
        case .tanh: 1 - y * y
        case .elu: y.below(0, y + 1, .one)
        case .selu: y.below(0, y + 1.0507 * 1.6732, 1.0507 * .one)
        case .stair: y.mapLanes { $0 == $0.rounded(.down) ? 0 : 1 }
        }
    }

    /// The value of those functions that have no vector form.
    private func curve<Scalar: ReferenceScalar>(_ x: Scalar) -> Scalar {
        switch self {
        case .logistic: return 1 / (1 + .exponential(-x))
        case .loggy: return 2 / (1 + .exponential(-x)) - 1
        case .elu: return x < 0 ? .exponential(x) - 1 : x
        case .selu: return x < 0 ? 1.0507 * 1.6732 * (.exponential(x) - 1) : 1.0507 * x
        case .tanh: return .hyperbolicTangent(x)
        case .stair:
            let floor = x.rounded(.down)
            let half = (x / 2).rounded(.down)
            return floor == 2 * half ? half : x - floor + half
        default: return x
        }
    }
}
