import _PliniusSupport

extension NetworkDescription {
    /// What the description means, as bytes: equal for two texts exactly if they describe the same training.
    ///
    /// Blanks, comments, the order of keys, defaults that are spelled out, and keys without effect do not count.
    public var canonicalBytes: [UInt8] {
        var writer = ByteWriter()
        writer.write(bytes: Array("plinius network 1".utf8))
        for extent in [input.channels, input.height, input.width] { writer.write(UInt64(extent)) }
        for part in [options.batch, options.subdivisions, options.burnIn, options.maxBatches] {
            writer.write(UInt64(part))
        }
        for part in [options.learningRate, options.momentum, options.decay, options.power] { writer.write(part) }
        writer.write(options.sampling.number)
        writer.write(options.policy)
        writer.write(UInt64(layers.count))
        for layer in layers {
            writer.write(layer.kind)
            writer.write(layer.learningRateScale)
            writer.write(UInt8(layer.stopsBackward ? 1 : 0))
        }
        // What came later stands at the end, each option under a number of its own, and only where it is not at its default.
        if let adam = options.adam {
            writer.write(UInt8(1))
            for part in [adam.beta1, adam.beta2, adam.epsilon] { writer.write(part) }
        }
        if options.clip > 0 {
            writer.write(UInt8(2))
            writer.write(options.clip)
        }
        if options.timeSteps > 1 {
            writer.write(UInt8(3))
            writer.write(UInt64(options.timeSteps))
        }
        if augmentation.isOn {
            writer.write(UInt8(4))
            writer.write(augmentation)
        }
        if options.compatibility == .strict { writer.write(UInt8(16)) }
        for layer in layers where layer.isTruth {
            writer.write(UInt8(17))
            writer.write(UInt64(layer.index))
        }
        for layer in layers {
            guard let boxes = layer.anchorBoxes else { continue }
            if boxes.onlyForward {
                writer.write(UInt8(18))
                writer.write(UInt64(layer.index))
            }
            if let tree = boxes.tree {
                writer.write(UInt8(19))
                writer.write(UInt64(layer.index))
                writer.write(tree)
            }
        }
        return writer.bytes
    }

    /// The layout of the arena as bytes: a mirror can be read only into the same layout.
    public var layoutBytes: [UInt8] {
        var writer = ByteWriter()
        writer.write(UInt64(layout.floatCount))
        for tensor in layout.tensors {
            writer.write(UInt32(tensor.layer))
            writer.write(tensor.role.rawValue | UInt8(tensor.part) << 4)
            writer.write(UInt64(tensor.offset))
            writer.write(UInt8(tensor.shape.count))
            for extent in tensor.shape { writer.write(UInt64(extent)) }
        }
        return writer.bytes
    }
}

extension ByteWriter {
    fileprivate mutating func write(_ augmentation: Augmentation) {
        switch augmentation.fit {
        case .none: write(UInt8(0))
        case .crop(let least, let most):
            write(UInt8(1))
            for part in [least, most] { write(UInt64(part)) }
        case .center: write(UInt8(2))
        case .letterbox: write(UInt8(3))
        }
        write(UInt8(augmentation.flips ? 1 : 0))
        for part in [
            augmentation.angle, augmentation.aspect, augmentation.jitter, augmentation.hue, augmentation.saturation,
            augmentation.exposure,
        ] { write(part) }
    }

    fileprivate mutating func write(_ policy: LearningRatePolicy) {
        switch policy {
        case .constant: write(UInt8(1))
        case .step(let every, let scale):
            write(UInt8(2))
            write(UInt64(every))
            write(scale)
        case .steps(let at, let scales):
            write(UInt8(3))
            write(UInt64(at.count))
            for (step, scale) in zip(at, scales) {
                write(UInt64(step))
                write(scale)
            }
        case .exp(let gamma):
            write(UInt8(4))
            write(gamma)
        case .poly: write(UInt8(5))
        case .random: write(UInt8(6))
        case .sigmoid(let step, let gamma):
            write(UInt8(7))
            write(UInt64(step))
            write(gamma)
        }
    }

    fileprivate mutating func write(_ kind: LayerDescription.Kind) {
        func name(_ activation: Activation) -> [UInt8] { Array(activation.rawValue.utf8) + [0] }
        switch kind {
        case .convolutional(let layer):
            write(UInt8(1))
            for part in [layer.filters, layer.size, layer.stride, layer.padding, layer.groups] { write(UInt64(part)) }
            write(layer.signs.rawValue << 1 | (layer.batchNormalize ? 1 : 0))
            write(bytes: name(layer.activation))
        case .connected(let layer):
            write(UInt8(2))
            write(UInt64(layer.outputs))
            write(UInt8(layer.batchNormalize ? 1 : 0))
            write(bytes: name(layer.activation))
        case .maxpool(let layer):
            write(UInt8(3))
            for part in [layer.size, layer.stride, layer.padding] { write(UInt64(part)) }
        case .avgpool: write(UInt8(4))
        case .dropout(let probability):
            write(UInt8(5))
            write(probability)
        case .softmax(let layer):
            write(UInt8(6))
            write(UInt64(layer.groups))
            write(layer.temperature)
            // Flags, so that what has no tree has the bytes that it had before there were trees.
            write(UInt8((layer.noLoss ? 1 : 0) | (layer.isSpatial ? 2 : 0) | (layer.tree == nil ? 0 : 4)))
            if let tree = layer.tree { write(tree) }
        case .cost(let layer):
            write(UInt8(7))
            // The name tells whether options follow, so that no other layer's bytes read as them.
            write(bytes: Array((layer.form.rawValue + (layer.isPlain ? "" : "+")).utf8) + [0])
            write(layer.scale)
            if !layer.isPlain {
                for part in [layer.backgroundScale, layer.smoothing, layer.threshold] { write(part) }
            }
        case .batchnorm: write(UInt8(19))
        case .local(let layer):
            write(UInt8(14))
            for part in [layer.filters, layer.size, layer.stride, layer.padding] { write(UInt64(part)) }
            write(bytes: name(layer.activation))
        case .normalization(let layer):
            write(UInt8(15))
            write(UInt64(layer.size))
            for part in [layer.alpha, layer.beta, layer.kappa] { write(part) }
        case .deconvolutional(let layer):
            write(UInt8(16))
            for part in [layer.filters, layer.size, layer.stride, layer.padding] { write(UInt64(part)) }
            write(UInt8(layer.batchNormalize ? 1 : 0))
            write(bytes: name(layer.activation))
        case .l2norm: write(UInt8(17))
        case .logistic: write(UInt8(18))
        case .route(let route):
            write(UInt8(8))
            write(UInt64(route.layers.count))
            for layer in route.layers { write(UInt64(layer + 1)) }
            write(UInt64(route.groups))
            write(UInt64(route.group))
        case .shortcut(let shortcut):
            write(UInt8(9))
            write(UInt64(shortcut.from + 1))
            write(bytes: name(shortcut.activation))
            write(shortcut.alpha)
            write(shortcut.beta)
        case .activation(let activation):
            write(UInt8(10))
            write(bytes: name(activation))
        case .upsample(let upsample):
            write(UInt8(11))
            write(UInt64(upsample.stride))
            write(UInt8(upsample.reduces ? 1 : 0))
            write(upsample.scale)
        case .reorg(let reorg):
            write(UInt8(12))
            write(UInt64(reorg.stride))
            write(UInt8(reorg.reverse ? 1 : 0))
            write(UInt8(reorg.flatten ? 1 : 0))
            write(UInt64(reorg.extra))
        case .crop(let crop):
            write(UInt8(13))
            for part in [crop.height, crop.width] { write(UInt64(part)) }
            write(UInt8(crop.flips ? 1 : 0))
            write(UInt8(crop.adjusts ? 1 : 0))
        case .recurrent(let layer):
            write(layer.cell.rawValue)
            for part in [layer.outputs, layer.hidden] { write(UInt64(part)) }
            write(UInt8(layer.batchNormalize ? 1 : 0) | UInt8(layer.shortcut ? 2 : 0))
            write(bytes: name(layer.activation))
        case .region(let boxes):
            write(UInt8(20))
            write(boxes)
        case .yolo(let boxes):
            write(UInt8(21))
            write(boxes)
        case .detection(let grid):
            write(UInt8(22))
            for part in [grid.classes, grid.side, grid.boxes] { write(UInt64(part)) }
            for flag in [grid.softmax, grid.usesRoots, grid.rescores, grid.forcesBySize, grid.random] {
                write(UInt8(flag ? 1 : 0))
            }
            for part in [
                grid.coordinateScale, grid.objectScale, grid.noObjectScale, grid.classScale, grid.jitter ?? 0.2,
            ] { write(part) }
        case .iseg(let masks):
            write(UInt8(23))
            for part in [masks.classes, masks.ids] { write(UInt64(part)) }
        }
    }

    fileprivate mutating func write(_ tree: ClassTree) {
        write(UInt64(tree.parents.count))
        for parent in tree.parents { write(UInt64(bitPattern: Int64(parent))) }
    }

    private mutating func write(_ boxes: LayerDescription.AnchorBoxes) {
        for part in [boxes.classes, boxes.maximumBoxes, boxes.anchors.count, boxes.mask.count] { write(UInt64(part)) }
        for anchor in boxes.anchors { for side in [anchor.x, anchor.y] { write(side) } }
        for anchor in boxes.mask { write(UInt64(anchor)) }
        for part in [
            boxes.ignoreThreshold, boxes.truthThreshold, boxes.coordinateScale, boxes.objectScale, boxes.noObjectScale,
            // What jitter was when nothing came of it.
            boxes.classScale, boxes.jitter ?? 0.2,
        ] { write(part) }
        for flag in [boxes.softmax, boxes.background, boxes.rescores, boxes.matchesAnchors, boxes.resizes] {
            write(UInt8(flag ? 1 : 0))
        }
    }
}
