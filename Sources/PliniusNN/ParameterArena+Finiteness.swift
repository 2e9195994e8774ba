import _PliniusSupport

extension ParameterArena {
    /// Finds the first tensor that holds a NaN or an infinity.
    ///
    /// Asked after every update, before the mirror goes out: a good mirror is never replaced by a broken model.
    /// - Complexity: one pass over the arena.
    package func firstNonFiniteTensor() -> ArenaTensor? {
        guard unsafe !Self.isFinite(UnsafeBufferPointer(memory.floats)) else { return nil }
        return layout.tensors.first { unsafe !Self.isFinite(UnsafeBufferPointer(floats(of: $0))) }
    }

    private static func isFinite(_ values: UnsafeBufferPointer<Float>) -> Bool {
        // An exponent of all ones marks both; the maximum over the magnitudes' bits shows whether there is one.
        let exponent: UInt32 = 0x7F80_0000
        var largest = SIMD8<UInt32>(repeating: 0)
        var index = 0
        while index + 8 <= values.count {
            var bits = SIMD8<UInt32>()
            for lane in 0..<8 { bits[lane] = unsafe values[index + lane].bitPattern }
            let magnitude = bits & SIMD8(repeating: exponent)
            largest.replace(with: magnitude, where: magnitude .> largest)
            index += 8
        }
        var found = largest.max()
        while index < values.count {
            found = max(found, unsafe values[index].bitPattern & exponent)
            index += 1
        }
        return found < exponent
    }
}
