// A training iteration whose batch is opened from sealed records, and one whose batch is read from a plain file of the same records, in
// turns. Both read the next batch on another thread while this one is computed.

import Glibc
import Measuring
import PliniusMirror
import PliniusNN
import PliniusOneDNN
import PliniusSealing
import _PliniusSupport

var options = Options(
    usage: "usage: data-set --config CFG --data SEALED --key FILE --folder FOLDER [--threads N] [--iterations N]")
let config = options.value("config", { $0 })
let dataPath = options.value("data", { $0 })
let keyPath = options.value("key", { $0 })
let folder = options.value("folder", { $0 })
let threads = options.value("threads", default: 2) { Int($0).flatMap { 1...1024 ~= $0 ? $0 : nil } }
let iterations = options.value("iterations", default: 20) { Int($0).flatMap { $0 > 0 ? $0 : nil } }
options.rejectOthers()

/// Plaintext of one batch.
final class Batch: Sendable {
    let images: PrivateMemory
    let truth: PrivateMemory

    init(_ network: NetworkDescription) {
        let floats = network.options.batch * MemoryLayout<Float>.size
        images = PrivateMemory(byteCount: floats * network.input.count)
        truth = PrivateMemory(byteCount: floats * network.truthCount)
    }
}

/// Where batches come from.
protocol Records: Sendable {
    func read(_ indices: [Int], into batch: Batch)
}

/// The records as an enclave opens them.
final class SealedRecords: Records {
    private let fitting: ImageTransform
    private let reader: SampleReader

    init(_ data: DatasetUnion) {
        fitting = data.fitting
        reader = SampleReader(data)
    }

    func read(_ indices: [Int], into batch: Batch) {
        do {
            try unsafe reader.openBatch(indices, images: batch.images.floats, truth: batch.truth.floats) { _ in fitting
            }
        } catch { stop("\(error)") }
    }
}

// Whoever made it hands it to the one thread that reads, and leaves it alone.
extension SealedRecords: @unchecked Sendable {}

/// The same records in a file, as they are: pixels, then the label's number in four bytes.
final class PlainRecords: Records {
    private let descriptor: CInt
    private let pixels: Int
    private let classes: Int
    private let record: PrivateMemory

    init(_ data: SealedDataset) throws {
        pixels = data.header.imageByteCount
        classes = data.header.classes
        record = PrivateMemory(byteCount: pixels + 4)
        let path = "\(folder)/plinius-records-\(getpid())"
        descriptor = unsafe open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o600)
        unsafe unlink(path)
        guard descriptor >= 0 else { stop("\(folder): \(unsafe String(cString: strerror(errno)))") }
        for index in 0..<data.header.count {
            let written = try unsafe data.withRecord(index) { image, truth in
                unsafe write(descriptor, image.baseAddress, pixels) + write(descriptor, truth.baseAddress, 4)
            }
            guard written == pixels + 4 else { stop("\(folder): the records do not fit") }
        }
    }

    deinit { close(descriptor) }

    func read(_ indices: [Int], into batch: Batch) {
        let bytes = unsafe record.bytes
        let (images, truth) = unsafe (batch.images.floats, batch.truth.floats)
        for (place, index) in indices.enumerated() {
            let start = off_t(index * bytes.count)
            guard unsafe pread(descriptor, bytes.baseAddress, bytes.count, start) == bytes.count else {
                stop("record \(index) cannot be read")
            }
            for pixel in 0..<pixels { unsafe images[place * pixels + pixel] = Float(bytes[pixel]) / 255 }
            let label = Int(unsafe bytes.loadUnaligned(fromByteOffset: pixels, as: UInt32.self))
            for other in 0..<classes { unsafe truth[place * classes + other] = other == label ? 1 : 0 }
        }
    }
}

/// Reads batches ahead, one while another is used.
final class Reader: Sendable {
    private let batches: [Batch]
    private let wanted = Semaphore()
    private let ready = Semaphore()

    init(_ records: any Records, _ sampler: BatchSampler, _ network: NetworkDescription, count: Int) {
        let batches = [Batch(network), Batch(network)]
        self.batches = batches
        startThread { [wanted, ready] in
            var indices = [Int](repeating: 0, count: sampler.batch)
            for iteration in 0..<count {
                wanted.wait()
                sampler.fill(iteration: UInt64(iteration), into: &indices)
                records.read(indices, into: batches[iteration % 2])
                ready.signal()
            }
        }
        wanted.signal()
    }

    /// Waits for a batch, and has the next one read.
    func take(_ iteration: Int) -> Batch {
        ready.wait()
        wanted.signal()
        return batches[iteration % 2]
    }
}

func measure() throws {
    let network = try NetworkDescription(parsing: text(of: config), file: config)
    let keys = KeyHierarchy(ownerKey: try SecretBytes(keyFile: openFile(keyPath)))
    let data = try SealedDataset(descriptor: openFile(dataPath), keys: keys)
    let plain = try PlainRecords(data)
    let sampler = BatchSampler(count: data.header.count, for: network.options, seed: 1)
    let arena = ParameterArena(layout: network.layout)
    arena.initialize(network, seed: 1)
    let executor = try OneDNNExecutor(
        network: network, miniBatch: network.options.miniBatch, arena: arena, threads: threads)

    /// The times of iterations over one kind of records, the first two left out.
    func times(of records: any Records) -> [Double] {
        let reader = Reader(records, sampler, network, count: iterations + 3)
        return (0..<iterations + 2).map { iteration in
            let start = secondsNow()
            let batch = reader.take(iteration)
            let pass = Pass(mode: .training, seed: 1, iteration: UInt64(iteration))
            unsafe executor.load(
                images: Span(_unsafeElements: UnsafeBufferPointer(batch.images.floats)),
                truth: Span(_unsafeElements: UnsafeBufferPointer(batch.truth.floats)))
            _ = executor.forward(pass)
            executor.backward(pass)
            executor.update(network.options.step(ofUpdate: iteration + 1, seed: 1))
            return 1000 * (secondsNow() - start)
        }.dropFirst(2).sorted()
    }

    var (sealed, unsealed): ([Double], [Double]) = ([], [])
    for round in 0..<4 {
        // Every other round in the other order, so that neither always comes first.
        for isSealed in round % 2 == 0 ? [true, false] : [false, true] {
            if isSealed {
                sealed += times(of: SealedRecords(DatasetUnion([data])))
            } else {
                unsealed += times(of: plain)
            }
        }
    }
    func median(_ times: [Double]) -> Double { times.sorted()[times.count / 2] }
    print(
        """
        {"batch":\(network.options.batch),"sealedMilliseconds":\(median(sealed)),"plainMilliseconds":\(median(unsealed))}
        """)
}

do { try measure() } catch { stop("\(error)") }
