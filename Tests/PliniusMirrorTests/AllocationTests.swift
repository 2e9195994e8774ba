import CAllocationCount
import PliniusMirror
import PliniusNN
import PliniusPersistence
import PliniusSealing
import Testing
import _PliniusSupport
import _PliniusTestSupport

/// What an iteration asks of the allocator while it opens the batch, trains and mirrors out: nothing.
@Suite struct AllocationTests {
    private static func network(filters: Int) -> String {
        """
        [net]
        batch=4
        height=4
        width=5
        channels=3
        learning_rate=.01
        [conv]
        filters=\(filters)
        size=3
        pad=1
        batch_normalize=1
        activation=leaky
        [dropout]
        [connected]
        output=300
        activation=linear
        [softmax]
        """
    }

    /// Allocations of an iteration once it is warm, by the thread that trains.
    private func count(filters: Int, cipher: Cipher, workers: Int) throws -> (parts: [UInt64], chunks: Int) {
        let network = try NetworkDescription(parsing: Self.network(filters: filters), file: "net.cfg")
        let arena = ParameterArena(layout: network.layout)
        arena.initialize(network, seed: 1)
        let executor = ReferenceExecutor(
            network: network, miniBatch: network.options.miniBatch, arena: arena, threads: 1)
        var fixture = MirrorFixture(arenaBytes: arena.layout.byteCount, chunkBytes: 64 << 10, cipher: cipher)
        fixture.description = []
        let media = PlainMedia(byteCount: fixture.extentBytes)
        let mirror = try Mirror.create(
            on: Region(on: media).whole, identity: fixture.identity, keys: fixture.keys, arena: arena.memory,
            progress: fixture.progress(0), chunkBytes: fixture.chunkBytes, workers: workers)
        let data = try DatasetFixture(count: 9, cipher: cipher)
        var parts: [UInt64] = [0, 0, 0]
        try data.withDataset { dataset, _ in
            let union = DatasetUnion([dataset])
            let reader = SampleReader(union)
            let sampler = BatchSampler(count: union.count, for: network.options, seed: 1)
            let images = PrivateMemory(byteCount: 4 * union.imageCount * 4)
            let truth = PrivateMemory(byteCount: 4 * union.truthCount * 4)
            var indices = [Int](repeating: 0, count: 4)
            for iteration in UInt64(0)..<8 {
                var counts = [callocation_count()]
                counts.reserveCapacity(4)
                counts[0] = callocation_count()
                sampler.fill(iteration: iteration, into: &indices)
                try reader.openBatch(indices, images: images.floats, truth: truth.floats) { _ in union.fitting }
                counts.append(callocation_count())
                let pass = Pass(mode: .training, seed: 1, iteration: iteration)
                executor.load(
                    images: Span(_unsafeElements: UnsafeBufferPointer(images.floats)),
                    truth: Span(_unsafeElements: UnsafeBufferPointer(truth.floats)))
                _ = executor.forward(pass)
                executor.backward(pass)
                executor.update(network.options.step(ofUpdate: Int(iteration) + 1, seed: 1))
                counts.append(callocation_count())
                try mirror.mirrorOut(
                    arena.memory, progress: Progress(iteration: iteration + 1, loss: 1, averageLoss: 1))
                counts.append(callocation_count())
                guard iteration >= 4 else { continue }
                for part in parts.indices { parts[part] = max(parts[part], counts[part + 1] - counts[part]) }
            }
        }
        return (parts, fixture.chunkCount)
    }

    @Test(arguments: Cipher.allCases)
    func `An iteration allocates nothing once it is warm`(cipher: Cipher) throws {
        guard callocation_counts(), SealingProvider.preferred == .intelIPSecMB else { return }
        let (small, one) = try count(filters: 4, cipher: cipher, workers: 1)
        let (large, many) = try count(filters: 64, cipher: cipher, workers: 1)
        #expect(one < many && many > 1)
        #expect(small == [0, 0, 0] && large == small, "\(small), \(large)")
        // Nor does a chunk that another takes cost the caller anything.
        for filters in [4, 64] {
            let (shared, _) = try count(filters: filters, cipher: cipher, workers: 2)
            #expect(shared == small, "\(shared)")
        }
    }
}
