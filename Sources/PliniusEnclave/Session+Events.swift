import PliniusMedia
import PliniusMirror
import PliniusNN
import PliniusSealing
import PliniusWire
import _PliniusSupport

// What the modules of the enclave know, in the words of the wire. Conversion is explicit: nothing crosses by accident.

extension Run {
    /// Tells the host what is about to be trained or used, and how it was recovered.
    func announce(
        to control: Control, _ network: NetworkDescription, _ choice: ExecutorChoice, _ task: ModelTask,
        imageCount: Int, target: UInt64, tee: String
    ) {
        let identity = mirror.identity
        var event = StartEvent()
        event.run = identity.name.description
        event.runID = identity.runID.hex
        event.configDigest = identity.configDigest.hex
        event.task = task
        event.layers = UInt32(network.layers.count)
        event.parameters = UInt64(network.layout.parameterCount)
        event.batch = UInt32(network.options.batch)
        event.iterations = target
        event.executor = choice.kind.name
        event.threads = choice.threads
        event.tee = tee
        event.tier = "\(tier)"
        event.tierSurvives = tier.survives
        event.cipher = "\(identity.cipher)"
        event.provider = "\(SealingProvider.preferred)"
        event.mirrorBytes = UInt64(network.layout.byteCount)
        event.trainCount = UInt64(imageCount)
        event.seed = identity.seed
        event.resumedFrom = recovery?.progress.iteration
        event.verdict = recovery?.message ?? "A new run."
        control.send(.start(event))
        if let recovery { control.send(.resume(resumeEvent(recovery))) }
    }

    private func resumeEvent(_ recovery: Recovery) -> ResumeEvent {
        var event = ResumeEvent()
        event.verdict =
            switch recovery.verdict {
            case .resumed: "resumed"
            case .resumedAfterTornCommit: "resumed-after-torn-commit"
            case .resumedAfterSystemCrash: "resumed-after-system-crash"
            }
        event.iteration = recovery.progress.iteration
        event.generation = recovery.generation
        event.slot = recovery.slot.rawValue
        event.message = "\(recovery.message) \(mirror.count.rollbackWindow)"
        return event
    }
}

extension PliniusWire.RunStatus {
    /// What a run claims, or why that cannot be told: one damaged run does not hide the others.
    init(of extent: Extent, named name: String) {
        self.init()
        self.name = name
        byteCount = UInt64(extent.byteCount)
        do throws(MirrorError) {
            let status = try PliniusMirror.RunStatus(of: extent, named: RunName(name))
            let identity = status.identity
            runID = identity.runID.hex
            configDigest = identity.configDigest.hex
            datasetID = identity.datasetID.hex
            seed = identity.seed
            initSeed = identity.initSeed
            cipher = "\(identity.cipher)"
            executor = ExecutorKind(rawValue: identity.executor)?.name ?? "number \(identity.executor)"
            threads = identity.threads
            iteration = status.newest?.progress?.iteration ?? 0
            loss = status.newest?.progress?.loss ?? 0
            averageLoss = status.newest?.progress?.averageLoss ?? 0
            score = status.newest?.progress?.score
            generation = status.newest?.generation ?? 0
            slots = status.slots.map { slot in
                var status = SlotStatus()
                status.state = "\(slot.state)"
                status.iteration = slot.progress?.iteration ?? 0
                status.generation = slot.generation ?? 0
                status.sequence = slot.sequence ?? 0
                return status
            }
        } catch { problem = error.message }
    }
}
