import PliniusMedia
import PliniusSealing
import _PliniusSupport

/// What a slot turned out to be, its chunks apart.
enum Examination {
    case empty
    case inProgress
    /// The header is authentic and says that the slot is whole.
    case complete(SlotHeader)
    case broken(Finding)

    var header: SlotHeader? {
        if case .complete(let header) = self { header } else { nil }
    }
}

/// What is wrong with a slot that says that it is whole.
struct Finding {
    /// `slot A, chunk 3 of 12`.
    var place: String
    /// `its tag does not match`.
    var what: String
    /// Whether old and new bytes of the same slot, mixed, can look like this: a loss of power leaves such mixtures.
    var canBeTorn = true
    /// The start of the kernel under which the slot was written, where an authentic header says so.
    var bootID: BootID?

    var sentence: String { "\(place): \(what)" }
}

extension Mirror {
    /// Reads and judges the header of a slot.
    func examine(_ slot: Slot) -> Examination {
        let start = layout.range(of: slot).lowerBound
        // One copy, then the verdict on the copy: the pool may change under our hands.
        let bytes = extent.read(start..<start + SlotHeader.byteCount)
        let state = SlotState(headerBytes: bytes)
        switch state {
        case .empty: return .empty
        case .inProgress: return .inProgress
        case .complete, .damaged: break
        }
        guard let header = SlotHeader(claimedBy: bytes, layout: layout) else {
            return .broken(Finding(place: "\(slot), header", what: "it is not the header of a slot of this pool"))
        }
        guard header.runID == identity.runID else {
            let (found, expected) = (header.runID.hex, identity.runID.hex)
            return .broken(
                Finding(
                    place: "\(slot), header", what: "it belongs to another run (\(found); the pool holds \(expected))",
                    canBeTorn: false))
        }
        guard header.slot == slot else {
            return .broken(
                Finding(
                    place: "\(slot), header", what: "it is a copy of the header of \(header.slot)", canBeTorn: false))
        }
        guard header.isAuthentic(bytes, slotKeys(of: header)) else {
            return .broken(Finding(place: "\(slot), header", what: "its MAC does not match its bytes"))
        }
        if case .damaged(let word) = state {
            return .broken(
                Finding(
                    place: "\(slot), state", what: "0x\(String(word, radix: 16)) is no state of a slot",
                    bootID: header.bootID))
        }
        return .complete(header)
    }

    /// Opens the chunks of a slot into the arena.
    /// - Returns: `nil`, or what is wrong: the arena then holds nothing to go on with, and is the caller's to overwrite or wipe.
    func openChunks(of header: SlotHeader, into arena: PrivateMemory) -> Finding? {
        let slot = header.slot
        unsafe extent.read(layout.tags(of: slot), into: tags.bytes)
        guard unsafe slotKeys(of: header).digest(of: UnsafeRawBufferPointer(tags.bytes)) == header.tagsDigest else {
            return Finding(
                place: "\(slot), tags", what: "their digest is not the one in the header", bootID: header.bootID)
        }
        let job = ChunkJob(
            isSealing: false, slot: slot, iteration: header.progress.iteration, arena: arena,
            key: slotKeys(of: header).chunks, first: Nonce(stream: header.nonceStream, counter: header.nonceBase))
        let chunk = perform(job, on: 0..<layout.chunkCount)
        guard chunk < layout.chunkCount else { return nil }
        return Finding(
            place: "\(slot), chunk \(chunk + 1) of \(layout.chunkCount)", what: "its tag does not match its bytes",
            bootID: header.bootID)
    }
}

extension SlotState {
    /// The state in the last word of a header's 512 bytes.
    init(headerBytes bytes: [UInt8]) {
        self.init(word: bytes[SlotHeader.stateOffset...].reversed().reduce(0) { $0 << 8 | UInt64($1) })
    }
}
