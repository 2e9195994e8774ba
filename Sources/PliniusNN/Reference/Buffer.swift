package import _PliniusSupport

/// A view of memory that was planned when the executor was made; checked where it is indexed.
///
/// This is the one type of the reference executor that holds a pointer. A buffer is good while the ``BufferMemory`` (or the
/// arena) that it came from lives; the network keeps both. The kernels of convolution alone take `base`, for their inner loops.
@safe package struct Buffer<Element> {
    @unsafe package let base: UnsafeMutablePointer<Element>
    package let count: Int

    @unsafe package init(base: UnsafeMutablePointer<Element>, count: Int) {
        unsafe self.base = base
        self.count = count
    }

    package subscript(index: Int) -> Element {
        @inline(__always) get {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
            return unsafe base[index]
        }
        @inline(__always) nonmutating set {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
            unsafe base[index] = newValue
        }
    }

    /// A part of it.
    package subscript(range: Range<Int>) -> Buffer {
        @inline(__always) get {
            precondition(range.lowerBound >= 0 && range.upperBound <= count)
            return unsafe Buffer(base: base + range.lowerBound, count: range.count)
        }
    }
}

extension Buffer {
    /// Views memory that is only read; nil if there is none.
    @unsafe init?(reading elements: UnsafeBufferPointer<Element>) {
        guard !elements.isEmpty, let base = elements.baseAddress else { return nil }
        unsafe self.init(base: UnsafeMutablePointer(mutating: base), count: elements.count)
    }

    /// Lends the whole of it.
    func withSpan<R>(_ body: (Span<Element>) -> R) -> R {
        body(unsafe UnsafeBufferPointer(start: base, count: count).span)
    }
}

/// The memory behind the buffers: private, since it holds what was computed from plaintext, and wiped at the end.
package final class BufferMemory {
    private var blocks: [PrivateMemory] = []
    /// Buffers shorter than this share blocks of this length.
    private let sharedByteCount: Int
    private var shared: Buffer<UInt8>?
    private var sharedOffset = 0

    /// - Parameter sharedByteCount: length of the blocks that shorter buffers share: a process may have only so many blocks.
    package init(sharedByteCount: Int = 0) { self.sharedByteCount = sharedByteCount }

    /// Plans a buffer of zero bits.
    func buffer<Element>(of type: Element.Type, count: Int) -> Buffer<Element> {
        let byteCount = count * MemoryLayout<Element>.stride
        guard byteCount < sharedByteCount else { return view(of: PrivateMemory(byteCount: byteCount), as: type) }
        if shared == nil || sharedOffset + byteCount > sharedByteCount {
            shared = view(of: PrivateMemory(byteCount: sharedByteCount), as: UInt8.self)
            sharedOffset = 0
        }
        guard let shared else { preconditionFailure("there is a block") }
        // Neighbours share no cache line.
        defer { sharedOffset += (byteCount + 63) / 64 * 64 }
        let start = unsafe UnsafeMutableRawPointer(shared[sharedOffset..<sharedOffset + byteCount].base)
        return unsafe Buffer(base: start.bindMemory(to: type, capacity: count), count: count)
    }

    /// Plans a tensor of zeros.
    func tensor<Scalar: ReferenceScalar>(of _: Scalar.Type, _ shape: Shape, images: Int) -> LaneTensor<Scalar> {
        let count = LaneTensor<Scalar>.count(of: shape, images: images)
        return LaneTensor(buffer(of: SIMD8<Scalar>.self, count: count), shape: shape, images: images)
    }

    /// Views memory that somebody else owns too, and keeps it.
    package func view<Element>(of memory: PrivateMemory, as type: Element.Type) -> Buffer<Element> {
        blocks.append(memory)
        let elements = unsafe memory.bytes.bindMemory(to: type)
        guard let base = elements.baseAddress else { preconditionFailure("private memory has an address") }
        return unsafe Buffer(base: base, count: elements.count)
    }
}
