/// What a 1×1 convolution with strides or padding takes under `compat=strict`, as Darknet's does on processors: the input of each
/// group from its beginning, as if its channels had as many positions as the output's.
struct FlatInput<Scalar: ReferenceScalar> {
    let values: LaneTensor<Scalar>
    let deltas: LaneTensor<Scalar>
    let groups: Int

    /// Takes the values of an image.
    func take(from input: LaneTensor<Scalar>, _ worker: PassWorker) {
        forEachElement(of: input, worker) { block, own, place in values[block, own] = input[block, place] }
    }

    /// Hands the deltas down; those of what was not taken stay as they are.
    func hand(to inputDelta: LaneTensor<Scalar>, _ worker: PassWorker) {
        forEachElement(of: inputDelta, worker) { block, own, place in inputDelta[block, place] = deltas[block, own] }
    }

    private func forEachElement(
        of input: LaneTensor<Scalar>, _ worker: PassWorker, _ body: (_ block: Int, _ own: Int, _ place: Int) -> Void
    ) {
        let (taken, all) = (values.shape.count / groups, input.shape.count / groups)
        for unit in worker.share(of: values.blocks * values.shape.count) {
            let (block, own) = unit.quotientAndRemainder(dividingBy: values.shape.count)
            body(block, own, own / taken * all + own % taken)
        }
    }
}
