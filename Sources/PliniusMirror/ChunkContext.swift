/// What every chunk's tag binds beside the chunk: the run, the place, the moment and the layout.
///
/// `"plinius chunk" ‖ run id ‖ slot ‖ iteration ‖ chunk ‖ chunk count ‖ layout digest`, little-endian. One buffer serves all chunks of a
/// worker: it is patched, not built, so that a commit allocates nothing for it.
package final class ChunkContext {
    package private(set) var bytes: [UInt8]
    private static let slotOffset = 13 + 16
    private static let iterationOffset = slotOffset + 1
    private static let chunkOffset = iterationOffset + 8

    package init(_ identity: RunIdentity, chunkCount: Int) {
        bytes = Array("plinius chunk".utf8) + identity.runID + [UInt8](repeating: 0, count: 1 + 8 + 4)
        bytes += (0..<4).map { UInt8(truncatingIfNeeded: chunkCount >> (8 * $0)) }
        bytes += identity.layoutDigest
    }

    package func begin(_ slot: Slot, iteration: UInt64) {
        bytes[Self.slotOffset] = slot.rawValue
        for index in 0..<8 {
            bytes[Self.iterationOffset + index] = UInt8(truncatingIfNeeded: iteration >> (8 * index))
        }
    }

    package func move(to chunk: Int) {
        for index in 0..<4 {
            bytes[Self.chunkOffset + index] = UInt8(truncatingIfNeeded: chunk >> (8 * index))
        }
    }
}
