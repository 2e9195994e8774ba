internal import COneDNN

/// Extents of a tensor and how it lies in memory, as oneDNN describes it.
@safe
final class TensorLayout {
    enum Order {
        /// What the primitive likes best.
        case any
        /// Last extent innermost.
        case rowMajor
        case channelsLast
        case blocked8
        case blocked16
    }

    let pointer: OpaquePointer

    init(_ extents: [Int], _ order: Order) throws(OneDNNError) {
        let raw =
            switch order {
            case .any: CONEDNN_ANY
            case .rowMajor: CONEDNN_ROW_MAJOR
            case .channelsLast: CONEDNN_CHANNELS_LAST
            case .blocked8: CONEDNN_BLOCKED_8
            case .blocked16: CONEDNN_BLOCKED_16
            }
        guard let pointer = unsafe conednn_layout_create(extents.map(Int64.init), CInt(extents.count), raw) else {
            throw OneDNNError(.noLayout, "oneDNN cannot describe a tensor of \(extents) numbers")
        }
        unsafe self.pointer = unsafe pointer
    }

    /// Takes over a layout that the shim made.
    @unsafe init(taking pointer: OpaquePointer) {
        unsafe self.pointer = unsafe pointer
    }

    deinit { unsafe conednn_layout_destroy(pointer) }

    var byteCount: Int { unsafe conednn_layout_bytes(pointer) }

    func isSame(as other: TensorLayout) -> Bool { unsafe conednn_layout_equal(pointer, other.pointer) }
}
