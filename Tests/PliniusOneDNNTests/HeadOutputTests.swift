import PliniusNN
import PliniusOneDNN
import Testing
import _PliniusSupport

/// What a network predicts that has several heads, each for itself.
@Suite struct HeadOutputTests {
    private static let network = """
        [net]
        batch=3
        height=16
        width=16
        channels=3
        [convolutional]
        filters=8
        size=3
        stride=2
        pad=1
        activation=leaky
        [convolutional]
        filters=14
        size=1
        activation=linear
        [yolo]
        mask=0,1
        anchors=2,3, 4,4, 8,6
        num=3
        classes=2
        [route]
        layers=-3
        [convolutional]
        filters=7
        size=3
        stride=2
        pad=1
        activation=linear
        [yolo]
        mask=2
        anchors=2,3, 4,4, 8,6
        num=3
        classes=2
        """

    @Test func eachHeadIsReadByBothExecutors() throws {
        let trial = try Trial(Self.network)
        let judge = Judge(trial)
        let description = trial.description
        #expect(description.predictingLayers == [2, 5] && description.predictionKind == .boxes)
        #expect(description.outputs == 14 * 64 + 7 * 16)
        let reference = ReferenceExecutor(
            network: description, miniBatch: trial.miniBatch, arena: trial.arena, threads: 2)
        let images = trial.images(seed: 4)
        trial.load(images)
        judge.network.load(images: images.span, truth: Span())
        reference.load(images: images.span, truth: Span())
        _ = trial.executor.forward(Pass(mode: .inference))
        _ = judge.network.forward(Pass(mode: .inference))
        _ = reference.forward(Pass(mode: .inference))
        for head in [2, 5] {
            let expected = judge.output(ofLayer: head, miniBatch: trial.miniBatch)
            #expect(expected.count == trial.miniBatch * description.layers[head].output.count)
            for executor in [trial.executor, reference] as [any Executor] {
                #expect(executor.predictingLayers == [2, 5])
                let found = executor.withOutput(ofLayer: head) { span in span.indices.map { span[$0] } }
                expectClose(found, expected, tolerance: 1e-4, "head \(head)")
                guard head == 5 else { continue }
                #expect(executor.withOutput { span in span.indices.map { span[$0] } } == found)
            }
        }
    }

    @Test(arguments: [false, true]) func `What each head predicted is there until the next pass`(onlyInfers: Bool)
        throws
    {
        let trial = try Trial(Self.network)
        let description = trial.description
        let executor = try OneDNNExecutor(
            network: description, miniBatch: trial.miniBatch, arena: trial.arena, threads: 1, onlyInfers: onlyInfers)
        let judge = Judge(trial)
        let images = trial.images(seed: 4)
        executor.load(
            images: images.span, truth: [Float](repeating: 0, count: trial.miniBatch * description.truthCount).span)
        judge.network.load(images: images.span, truth: Span())
        let pass = Pass(mode: onlyInfers ? .inference : .training)
        _ = executor.forward(pass)
        if !onlyInfers { executor.backward(pass) }
        _ = judge.network.forward(Pass(mode: .inference))
        for head in [2, 5] {
            let found = executor.withOutput(ofLayer: head) { span in span.indices.map { span[$0] } }
            expectClose(found, judge.output(ofLayer: head, miniBatch: trial.miniBatch), tolerance: 1e-4, "head \(head)")
        }
    }
}
