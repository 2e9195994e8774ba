import Glibc

/// The number type that the reference kernels compute in: `Float` in training, `Double` where gradients are judged.
package protocol ReferenceScalar: BinaryFloatingPoint, SIMDScalar, Codable, Sendable {
    static func exponential(_ x: Self) -> Self
    static func logarithm(_ x: Self) -> Self
    static func hyperbolicTangent(_ x: Self) -> Self

    // Comparisons of generic vectors compile to loops over their lanes; hence these two.

    /// Where `left < right`, `yes`; elsewhere, NaN included, `no`.
    static func choose(_ left: SIMD8<Self>, below right: SIMD8<Self>, _ yes: SIMD8<Self>, _ no: SIMD8<Self>) -> SIMD8<
        Self
    >
    /// The greater of each pair of lanes; NaN if one is.
    static func greater(_ left: SIMD8<Self>, _ right: SIMD8<Self>) -> SIMD8<Self>
}

extension Float: ReferenceScalar {
    package static func exponential(_ x: Float) -> Float { exp(x) }
    package static func logarithm(_ x: Float) -> Float { log(x) }
    package static func hyperbolicTangent(_ x: Float) -> Float { tanh(x) }

    @inline(__always) package static func choose(
        _ left: SIMD8<Float>, below right: SIMD8<Float>, _ yes: SIMD8<Float>, _ no: SIMD8<Float>
    ) -> SIMD8<Float> { no.replacing(with: yes, where: left .< right) }

    @inline(__always) package static func greater(_ left: SIMD8<Float>, _ right: SIMD8<Float>) -> SIMD8<Float> {
        left.replacing(with: right, where: (left .< right) .| (right .!= right))
    }
}

extension Double: ReferenceScalar {
    package static func exponential(_ x: Double) -> Double { exp(x) }
    package static func logarithm(_ x: Double) -> Double { log(x) }
    package static func hyperbolicTangent(_ x: Double) -> Double { tanh(x) }

    @inline(__always) package static func choose(
        _ left: SIMD8<Double>, below right: SIMD8<Double>, _ yes: SIMD8<Double>, _ no: SIMD8<Double>
    ) -> SIMD8<Double> { no.replacing(with: yes, where: left .< right) }

    @inline(__always) package static func greater(_ left: SIMD8<Double>, _ right: SIMD8<Double>) -> SIMD8<Double> {
        left.replacing(with: right, where: (left .< right) .| (right .!= right))
    }
}

extension SIMD8 where Scalar: ReferenceScalar {
    /// `yes` where a lane is below the limit, `no` elsewhere.
    @inline(__always) func below(_ limit: Scalar, _ yes: Self, _ no: Self) -> Self {
        Scalar.choose(self, below: Self(repeating: limit), yes, no)
    }

    /// `yes` where a lane is above the limit, `no` elsewhere.
    @inline(__always) func above(_ limit: Scalar, _ yes: Self, _ no: Self) -> Self {
        Scalar.choose(Self(repeating: limit), below: self, yes, no)
    }

    /// Applies a function of one number to each lane.
    @inline(__always) func mapLanes(_ function: (Scalar) -> Scalar) -> Self {
        var result = self
        for lane in 0..<8 { result[lane] = function(self[lane]) }
        return result
    }
}
