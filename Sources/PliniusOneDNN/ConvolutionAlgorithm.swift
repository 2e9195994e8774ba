/// How convolutions are computed; a choice by rule, never by timing, so that the same network gives the same bits every time.
public enum ConvolutionAlgorithm: Hashable, Sendable {
    /// Winograd's F(4×4, 3×3) for the 3×3 convolutions that it suits, by kernels of our own for AVX-512; direct sums elsewhere.
    ///
    /// It needs a quarter of the multiplications and rounds a little more: about 2e-6 of a layer's largest output.
    case winograd
    /// Direct sums everywhere.
    case direct
}
