/// What a learned layer adds up before it normalises or adds a bias.
enum WeightedSum<Scalar: ReferenceScalar> {
    /// Nothing: batch normalisation that stands alone takes its input as it is.
    case input
    case convolution(ConvolutionSum<Scalar>)
    case local(LocalSum<Scalar>)

    /// Writes the sums; the workers have met at the end.
    /// - Parameter packs: whether the weights are yet to be packed.
    func forward(
        from input: LaneTensor<Scalar>, to sums: LaneTensor<Scalar>, _ parameters: LayerParameters<Scalar>,
        packs: Bool, _ worker: PassWorker
    ) {
        switch self {
        case .input: break
        case .local(let sum): sum.forward(from: input, to: sums, parameters, worker)
        case .convolution(let sum): sum.forward(from: input, to: sums, parameters, packs: packs, worker)
        }
    }

    /// Adds the weights' gradient to their momentum, and writes the input's delta if it is asked for.
    ///
    /// The workers have yet to meet after they wrote the sums' delta, each its share of the channels.
    func backward(
        input: LaneTensor<Scalar>, delta: LaneTensor<Scalar>, inputDelta: LaneTensor<Scalar>?,
        _ parameters: LayerParameters<Scalar>, packs: Bool, _ worker: PassWorker
    ) {
        switch self {
        case .input:
            guard let inputDelta else { return }
            for channel in worker.share(of: delta.shape.channels) {
                for block in 0..<delta.blocks {
                    let source = delta.plane(block, channel)
                    let target = inputDelta.plane(block, channel)
                    for position in 0..<target.count { target[position] = source[position] }
                }
            }
        case .convolution(let sum):
            sum.backward(input: input, delta: delta, inputDelta: inputDelta, parameters, packs: packs, worker)
        case .local(let sum):
            sum.backward(input: input, delta: delta, inputDelta: inputDelta, parameters, worker)
        }
    }
}

/// The sums of a convolution; a connected layer is one whose kernel covers its whole input, and a deconvolution is one with
/// forward and the input's gradient exchanged: its output is the convolution's input.
struct ConvolutionSum<Scalar: ReferenceScalar> {
    private let forwardSum: Correlation<Scalar>
    private let inputGradient: Correlation<Scalar>
    private let weightGradient: WeightGradient<Scalar>
    private let isTransposed: Bool
    /// Packed weights, shared with the other layers: each pass packs them anew, so that the arena stays the only truth.
    private let packed: Buffer<SIMD4<Scalar>>
    /// What forward takes instead of weights and inputs; nil for most layers.
    private let signs: SignOperands<Scalar>?
    /// What takes the place of the input and of its delta; nil for most layers.
    let flat: FlatInput<Scalar>?

    init(
        _ geometry: ConvolutionGeometry, isTransposed: Bool = false, packed: Buffer<SIMD4<Scalar>>,
        signs: SignOperands<Scalar>? = nil, flat: FlatInput<Scalar>? = nil
    ) {
        self.flat = flat
        let (down, up) = (Correlation<Scalar>(forward: geometry), Correlation<Scalar>(inputGradient: geometry))
        (forwardSum, inputGradient) = isTransposed ? (up, down) : (down, up)
        self.isTransposed = isTransposed
        weightGradient = WeightGradient(geometry)
        self.packed = packed
        self.signs = signs
    }

    /// Length of packed weights that a layer needs.
    static func packedCount(_ geometry: ConvolutionGeometry) -> Int {
        max(
            Correlation<Scalar>(forward: geometry).packedCount, Correlation<Scalar>(inputGradient: geometry).packedCount
        )
    }

    func forward(
        from input: LaneTensor<Scalar>, to sums: LaneTensor<Scalar>, _ parameters: LayerParameters<Scalar>,
        packs: Bool, _ worker: PassWorker
    ) {
        if let flat {
            flat.take(from: input, worker)
            worker.meet()
        }
        let input = flat?.values ?? input
        if let signs {
            signs.take(weights: parameters[.weights], input: input, worker)
            worker.meet()
        }
        if packs {
            forwardSum.pack(
                signs?.weights ?? parameters[.weights], into: packed, tiles: worker.share(of: forwardSum.tiles))
            worker.meet()
        }
        forwardSum.run(
            units: worker.share(of: input.blocks * forwardSum.tiles), from: signs?.input ?? input, packed: packed,
            to: sums, repeating: true)
        worker.meet()
    }

    func backward(
        input: LaneTensor<Scalar>, delta: LaneTensor<Scalar>, inputDelta: LaneTensor<Scalar>?,
        _ parameters: LayerParameters<Scalar>, packs: Bool, _ worker: PassWorker
    ) {
        if packs, inputDelta != nil {
            inputGradient.pack(parameters[.weights], into: packed, tiles: worker.share(of: inputGradient.tiles))
        }
        worker.meet()
        weightGradient.add(
            units: worker.share(of: weightGradient.units), input: isTransposed ? delta : flat?.values ?? input,
            delta: isTransposed ? input : delta, to: parameters[.weightMomentum])
        if let inputDelta {
            inputGradient.run(
                units: worker.share(of: delta.blocks * inputGradient.tiles), from: delta, packed: packed,
                to: flat?.deltas ?? inputDelta)
            guard let flat else { return }
            worker.meet()
            flat.hand(to: inputDelta, worker)
        }
    }
}
