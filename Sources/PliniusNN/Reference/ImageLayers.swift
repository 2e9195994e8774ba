/// Repeats each pixel in a square, or sums squares up; either is the other's gradient.
struct UpsampleLayer<Scalar: ReferenceScalar> {
    let input: LaneTensor<Scalar>
    let output: LaneTensor<Scalar>
    let upsample: LayerDescription.Upsample

    func forward(_ worker: PassWorker) {
        upsample.reduces ? sum(input, to: output, worker) : spread(input, to: output, worker)
    }

    func backward(delta: LaneTensor<Scalar>, inputDelta: LaneTensor<Scalar>, _ worker: PassWorker) {
        upsample.reduces ? spread(delta, to: inputDelta, worker) : sum(delta, to: inputDelta, worker)
    }

    private func spread(_ small: LaneTensor<Scalar>, to large: LaneTensor<Scalar>, _ worker: PassWorker) {
        let scale = Scalar(upsample.scale)
        forEachSquare(small, large, worker) { source, place, target, pixels in
            for pixel in pixels { target[pixel] = scale * source[place] }
        }
    }

    private func sum(_ large: LaneTensor<Scalar>, to small: LaneTensor<Scalar>, _ worker: PassWorker) {
        let scale = Scalar(upsample.scale)
        for unit in worker.share(of: small.blocks * small.shape.channels) {
            let plane = small.plane(unit / small.shape.channels, unit % small.shape.channels)
            for place in 0..<plane.count { plane[place] = SIMD8() }
        }
        forEachSquare(small, large, worker) { target, place, source, pixels in
            for pixel in pixels { target[place] += scale * source[pixel] }
        }
    }

    /// Walks through the rows of each square of the large images.
    @inline(__always) private func forEachSquare(
        _ small: LaneTensor<Scalar>, _ large: LaneTensor<Scalar>, _ worker: PassWorker,
        _ body: (
            _ small: Buffer<SIMD8<Scalar>>, _ place: Int, _ large: Buffer<SIMD8<Scalar>>, _ pixels: Range<Int>
        ) -> Void
    ) {
        let (stride, width) = (upsample.stride, small.shape.width)
        for unit in worker.share(of: small.blocks * small.shape.channels) {
            let (block, channel) = unit.quotientAndRemainder(dividingBy: small.shape.channels)
            let smallPlane = small.plane(block, channel)
            let largePlane = large.plane(block, channel)
            for row in 0..<large.shape.height {
                for column in 0..<width {
                    let first = (row * width + column) * stride
                    body(smallPlane, row / stride * width + column, largePlane, first..<first + stride)
                }
            }
        }
    }
}

/// Puts the elements of an image into another order, or zeros behind them.
struct ReorgLayer<Scalar: ReferenceScalar> {
    let input: LaneTensor<Scalar>
    let output: LaneTensor<Scalar>
    let reorg: LayerDescription.Reorg

    func forward(_ worker: PassWorker) {
        forEachElement(worker) { block, source, target in output[block, target] = input[block, source] }
    }

    func backward(delta: LaneTensor<Scalar>, inputDelta: LaneTensor<Scalar>, _ worker: PassWorker) {
        forEachElement(worker) { block, source, target in inputDelta[block, source] = delta[block, target] }
    }

    /// Tells where in the output each element of the input belongs.
    @inline(__always) private func forEachElement(
        _ worker: PassWorker, _ body: (_ block: Int, _ source: Int, _ target: Int) -> Void
    ) {
        let count = input.shape.count
        for unit in worker.share(of: input.blocks * count) {
            let (block, element) = unit.quotientAndRemainder(dividingBy: count)
            // Darknet's way there from flattened channels, and from images to channels, is its way back read backwards.
            if reorg.flatten != reorg.reverse {
                body(block, element, place(of: element))
            } else {
                body(block, place(of: element), element)
            }
        }
    }

    private func place(of element: Int) -> Int {
        let shape = input.shape
        let (channel, position) = element.quotientAndRemainder(dividingBy: shape.area)
        if reorg.extra > 0 { return element }
        if reorg.flatten { return position * shape.channels + channel }
        let stride = reorg.stride
        let (part, low) = channel.quotientAndRemainder(dividingBy: shape.channels / (stride * stride))
        let row = position / shape.width * stride + part / stride
        let column = position % shape.width * stride + part % stride
        return (low * shape.height * stride + row) * shape.width * stride + column
    }
}

/// Cuts a window out of each image: in training anywhere, mirrored or not; in inference from the middle.
///
/// Where is a pure function of seed, layer, iteration and image; Darknet, and `compat=strict`, draw once for a whole mini-batch. Values from 0 to 1
/// become -1 to 1, or stay as they are.
struct CropLayer<Scalar: ReferenceScalar> {
    let input: LaneTensor<Scalar>
    let output: LaneTensor<Scalar>
    let layer: Int
    let crop: LayerDescription.Crop
    let isStrict: Bool

    private var factor: Scalar { crop.adjusts ? 2 : 1 }

    func forward(_ pass: Pass, _ worker: PassWorker) {
        let offset: Scalar = crop.adjusts ? -1 : 0
        for unit in worker.share(of: input.blocks * input.shape.channels) {
            let (block, channel) = unit.quotientAndRemainder(dividingBy: input.shape.channels)
            let source = input.plane(block, channel)
            let target = output.plane(block, channel)
            forEachPixel(of: block, pass) { lane, pixel, place in
                target[pixel][lane] = factor * source[place][lane] + offset
            }
        }
    }

    func backward(_ pass: Pass, delta: LaneTensor<Scalar>, inputDelta: LaneTensor<Scalar>, _ worker: PassWorker) {
        for unit in worker.share(of: input.blocks * input.shape.channels) {
            let (block, channel) = unit.quotientAndRemainder(dividingBy: input.shape.channels)
            let source = delta.plane(block, channel)
            let target = inputDelta.plane(block, channel)
            for place in 0..<target.count { target[place] = SIMD8() }
            forEachPixel(of: block, pass) { lane, pixel, place in target[place][lane] = factor * source[pixel][lane] }
        }
    }

    /// Tells for each lane where the pixels of its window lie in the image.
    @inline(__always) private func forEachPixel(
        of block: Int, _ pass: Pass, _ body: (_ lane: Int, _ pixel: Int, _ place: Int) -> Void
    ) {
        let width = input.shape.width
        for lane in 0..<8 {
            let window = window(ofImage: min(block * 8 + lane, input.images - 1), pass)
            for row in 0..<output.shape.height {
                let first = (window.top + row) * width
                for column in 0..<output.shape.width {
                    let place = window.left + column
                    body(lane, row * output.shape.width + column, first + (window.flips ? width - 1 - place : place))
                }
            }
        }
    }

    private func window(ofImage image: Int, _ pass: Pass) -> (top: Int, left: Int, flips: Bool) {
        let height = input.shape.height - output.shape.height
        let width = input.shape.width - output.shape.width
        guard pass.mode == .training else { return (height / 2, width / 2, false) }
        let stream = RandomStream(seed: pass.seed, purpose: .crop, substream: UInt32(layer))
        let words = stream.block(UInt64(pass.firstImage + (isStrict ? 0 : image)), iteration: pass.iteration)
        func draw(_ word: UInt32, upTo limit: Int) -> Int { Int((UInt64(word) * UInt64(limit + 1)) >> 32) }
        return (draw(words[0], upTo: height), draw(words[1], upTo: width), crop.flips && words[2] >> 31 == 1)
    }
}
