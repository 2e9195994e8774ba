// Iterations of training, with all that an enclave does in one, one thing after the other: opening the batch, forward, backward, update,
// mirror. Prints what each kernel took, see CTimedKernels.h; with ONEDNN_VERBOSE=1 oneDNN says the same of its own among those lines.

import CTimedKernels
import Glibc
import Measuring
import PliniusMedia
import PliniusMirror
import PliniusNN
import PliniusOneDNN
import PliniusSealing
import _PliniusSupport

var options = Options(
    usage: "usage: profile --config CFG --data SEALED --key FILE --folder FOLDER [--threads N] [--iterations N]")
let config = options.value("config", { $0 })
let dataPath = options.value("data", { $0 })
let keyPath = options.value("key", { $0 })
let folder = options.value("folder", { $0 })
let threads = options.value("threads", default: 2) { Int($0).flatMap { 1...1024 ~= $0 ? $0 : nil } }
let iterations = options.value("iterations", default: 10) { Int($0).flatMap { $0 > 0 ? $0 : nil } }
options.rejectOthers()

func phase(_ name: String, byteCount: Int = 0, _ work: () throws -> Void) rethrows {
    let start = secondsNow()
    try work()
    unsafe timed_phase(name, Int64(byteCount), 1000 * (secondsNow() - start))
}

func profile() throws {
    let network = try NetworkDescription(parsing: text(of: config), file: config)
    guard network.options.subdivisions == 1 else { stop("\(config): a batch in one piece is measured, subdivisions=1") }
    let keys = KeyHierarchy(ownerKey: try SecretBytes(keyFile: openFile(keyPath)))
    let data = try SealedDataset(descriptor: openFile(dataPath), keys: keys)
    let union = DatasetUnion([data])
    let reader = SampleReader(union)
    let sampler = BatchSampler(count: data.header.count, for: network.options, seed: 1)
    let arena = ParameterArena(layout: network.layout)
    arena.initialize(network, seed: 1)
    let executor = try OneDNNExecutor(
        network: network, miniBatch: network.options.miniBatch, arena: arena, threads: threads)

    let zeros = [UInt8](repeating: 0, count: 32)
    let identity = RunIdentity(
        name: try RunName("benchmark"), runID: randomBytes(16), configDigest: zeros, layoutDigest: zeros,
        datasetID: randomBytes(16), seed: 1, cipher: .aes256GCM, sampling: 1, executor: 1, threads: UInt32(threads))
    let descriptor = makeFile(in: folder, byteCount: Mirror.byteCount(arenaBytes: arena.memory.byteCount))
    defer { close(descriptor) }
    var progress = Progress(iteration: 0, loss: 0, averageLoss: 0)
    let mirror = try Mirror.create(
        on: Region.open(descriptor: descriptor).whole, identity: identity, keys: keys, arena: arena.memory,
        progress: progress, workers: threads)

    let batch = sampler.batch
    let images = PrivateMemory(byteCount: batch * network.input.count * MemoryLayout<Float>.size)
    let truth = PrivateMemory(byteCount: batch * network.truthCount * MemoryLayout<Float>.size)
    var indices = [Int](repeating: 0, count: batch)
    // Two to warm up, which nobody counts.
    for iteration in 0..<iterations + 2 {
        let pass = Pass(mode: .training, seed: 1, iteration: UInt64(iteration))
        try phase("batch", byteCount: batch * data.header.recordByteCount) {
            sampler.fill(iteration: UInt64(iteration), into: &indices)
            try unsafe reader.openBatch(indices, images: images.floats, truth: truth.floats) { _ in union.fitting }
        }
        phase("load") {
            unsafe executor.load(
                images: Span(_unsafeElements: UnsafeBufferPointer(images.floats)),
                truth: Span(_unsafeElements: UnsafeBufferPointer(truth.floats)))
        }
        phase("forward") { _ = executor.forward(pass) }
        phase("backward") { executor.backward(pass) }
        phase("update") { executor.update(network.options.step(ofUpdate: iteration + 1, seed: 1)) }
        progress.iteration += 1
        try phase("mirror", byteCount: arena.memory.byteCount) {
            try mirror.mirrorOut(arena.memory, progress: progress)
        }
    }
}

do { try profile() } catch { stop("\(error)") }
