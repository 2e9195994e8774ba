public import _PliniusSupport
import PliniusMedia
import PliniusSealing

extension Mirror {
    /// Mirrors the arena: when this returns, it is as durable as the pool's tier promises.
    ///
    /// If the process ends earlier, the pool holds this mirror or the one before, whole. Each byte of the arena is read once and its
    /// ciphertext is stored once; nothing is allocated that grows with the arena.
    ///
    /// - Parameters:
    ///   - arena: As long as the run's arena; nobody writes to it meanwhile.
    ///   - progress: Not before the progress of the last mirror.
    /// - Throws: `.media` if the medium refused. What was written last may be lost then, and every further call throws the same: the kernel
    ///   forgets a page that it could not write, so a second try would succeed without having happened. A new process resumes.
    /// - Complexity: O(arena).
    public func mirrorOut(_ arena: PrivateMemory, progress: Progress) throws(MirrorError) {
        try store(arena, progress)
        try endMirrorOut()
    }

    /// Mirrors the arena, but for the wait for a device, which a worker goes on with if there is one.
    ///
    /// The arena may change at the return. If the process ends, the pool holds this mirror; only if the machine loses power before
    /// ``endMirrorOut()`` returned, it may hold the one before. Nothing is stored meanwhile: the next mirror ends this one first.
    /// - Throws: As ``mirrorOut(_:progress:)``.
    public func beginMirrorOut(_ arena: PrivateMemory, progress: Progress) throws(MirrorError) {
        try store(arena, progress)
        guard pool.count > 1, !extent.persistsByFence else { return try endMirrorOut() }
        isWaiting = true
        pool.start(waiting)
    }

    /// Whether a mirror was begun and not ended.
    public var isAwaited: Bool { awaited != nil }

    /// Waits until the mirror that was begun is durable; returns at once if there is none.
    /// - Throws: As ``mirrorOut(_:progress:)``.
    public func endMirrorOut() throws(MirrorError) {
        guard let header = awaited.take() else { return }
        try persist()
        newest = header
        onCrashPoint?(.afterFence)
    }

    private func store(_ arena: PrivateMemory, _ progress: Progress) throws(MirrorError) {
        try endMirrorOut()
        precondition(arena.byteCount == layout.arenaBytes, "the arena is as long as the pool's")
        guard let newest else { preconditionFailure("mirror in before the first mirror-out") }
        precondition(progress.iteration >= newest.progress.iteration, "a run does not go backwards")
        try commit(arena, progress, to: newest.slot.other, sequence: newest.sequence + 1)
    }

    /// Seals the arena into `slot`; whoever calls this waits for the medium.
    ///
    /// The order of the stores is the protocol. A killed process leaves a prefix of them: the marker in front makes every slot that is
    /// not finished say so. A loss of power leaves any mixture: then it is the digest of the tags in the authenticated header, and the
    /// tags over the chunks, that a mixture cannot satisfy.
    func commit(_ arena: PrivateMemory, _ progress: Progress, to slot: Slot, sequence: UInt64) throws(MirrorError) {
        if let failure = medium.failure { throw failure }
        // Taken before anything is sealed: a commit that fails half-way has used its nonces up all the same.
        let nonceBase = nonceCounter
        nonceCounter += UInt64(layout.chunkCount)

        setState(.inProgress, of: slot)
        onCrashPoint?(.afterMarker)

        // The workers meet in the middle only where a test looks.
        let middle = onCrashPoint == nil ? layout.chunkCount : layout.chunkCount / 2 + 1
        let job = ChunkJob(
            isSealing: true, slot: slot, iteration: progress.iteration, arena: arena, key: ownKeys.chunks,
            first: Nonce(stream: 0, counter: nonceBase))
        _ = perform(job, on: 0..<middle)
        onCrashPoint?(.insideChunks)
        _ = perform(job, on: middle..<layout.chunkCount)
        bytesWritten += layout.arenaBytes
        onCrashPoint?(.afterChunks)

        unsafe store(UnsafeRawBufferPointer(tags.bytes), at: layout.tags(of: slot).lowerBound)
        onCrashPoint?(.afterTags)

        let header = SlotHeader(
            slot: slot, runID: identity.runID, salt: salt, generation: generation, sequence: sequence,
            progress: progress, layout: layout,
            tagsDigest: unsafe ownKeys.digest(of: UnsafeRawBufferPointer(tags.bytes)), bootID: extent.bootID,
            nonceStream: 0, nonceBase: nonceBase, count: count, best: best)
        header.encode(into: &headerWriter, ownKeys)
        store(headerWriter.bytes, at: layout.range(of: slot).lowerBound)
        onCrashPoint?(.insideHeader)

        setState(.complete, of: slot)
        onCrashPoint?(.beforeFence)
        awaited = header
    }

    // MARK: Stores

    func setState(_ state: SlotState, of slot: Slot) {
        extent.store(state.word, at: layout.range(of: slot).lowerBound + SlotHeader.stateOffset)
        bytesWritten += 8
    }

    func store(_ bytes: [UInt8], at offset: Int) { unsafe bytes.withUnsafeBytes { unsafe store($0, at: offset) } }

    @unsafe func store(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        unsafe extent.copy(bytes, to: offset)
        bytesWritten += bytes.count
    }

    func persist() throws(MirrorError) {
        if isWaiting { pool.wait() } else { medium.wait(for: extent) }
        isWaiting = false
        if let failure = medium.failure { throw failure }
    }
}
