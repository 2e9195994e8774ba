public import _PliniusSupport

/// All learnable and solver state of a network, in one contiguous, page-aligned block.
///
/// The mirror seals it whole; executors view it. It is the truth: whatever packed copies an executor keeps follow it.
public final class ParameterArena: Sendable {
    /// Where each tensor lies.
    public let layout: ArenaLayout
    /// The block itself: `layout.byteCount` bytes.
    public let memory: PrivateMemory

    /// Allocates an arena of zeros.
    public init(layout: ArenaLayout) {
        self.layout = layout
        memory = PrivateMemory(byteCount: layout.byteCount)
    }

    /// Lends one tensor; the pointer is good while the arena lives.
    @unsafe public func floats(of tensor: ArenaTensor) -> UnsafeMutableBufferPointer<Float> {
        unsafe UnsafeMutableBufferPointer(rebasing: memory.floats[tensor.offset..<tensor.offset + tensor.count])
    }
}
