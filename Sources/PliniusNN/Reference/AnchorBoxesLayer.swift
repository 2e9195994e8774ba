/// Predicts boxes from anchors, and measures how far they are from the true ones: `[yolo]` and `[region]`.
///
/// Deltas are Darknet's, with these repairs: a true box at the right or lower border belongs to the last cell; classes of a cell
/// that two true boxes share are told apart by all their deltas, not by the first class's; a list may be longer than 90;
/// `[region]` hands its deltas down as Darknet does on a GPU (on a CPU it does not). A unit of work is one anchor of eight images.
struct AnchorBoxesLayer<Scalar: ReferenceScalar> {
    let input: LaneTensor<Scalar>
    let output: LaneTensor<Scalar>
    let truth: LaneTensor<Scalar>
    let boxes: LayerDescription.AnchorBoxes
    let isRegion: Bool
    /// Whether it has Darknet's faults: `[region]` hands no deltas down, and the first class alone tells whether a cell is shared.
    let isStrict: Bool
    let loss: OwnLoss<Scalar>

    private var grid: Shape { input.shape }
    private var units: Int { input.blocks * boxes.mask.count }

    /// - Returns: the sum of the squared deltas, from the first worker; 0 without a truth.
    func forward(_ pass: Pass, hasTruth: Bool, _ worker: PassWorker) -> Double {
        for unit in worker.share(of: units) { activate(unit) }
        guard hasTruth, !boxes.onlyForward else { return 0 }
        // Darknet counts the mini-batch before it is seen, and draws the boxes to their anchors at first.
        let seen = Int(min(pass.iteration, 12_800)) * boxes.batch + pass.firstImage + input.images
        return loss.measure(units: units, worker) { measure($0, drawsToAnchors: isRegion && seen < 12_800) }
    }

    func backward(_ inputDelta: LaneTensor<Scalar>, hasTruth: Bool, _ worker: PassWorker) {
        let hasTruth = hasTruth && !boxes.onlyForward && !(isRegion && isStrict)
        guard isRegion, hasTruth else { return loss.backward(inputDelta, hasTruth: hasTruth, worker) }
        // The deltas of x, y and objectness are those of the squared difference behind the logistic function.
        loss.forEachPlane(worker) { block, channel in
            let (source, target) = (loss.deltas.plane(block, channel), inputDelta.plane(block, channel))
            let values = output.plane(block, channel)
            let entry = channel % boxes.entries
            let isCurved = entry < 5 && hasCurve(entry)
            for position in 0..<target.count {
                target[position] =
                    isCurved ? source[position] * Activation.logistic.slope(at: values[position]) : source[position]
            }
        }
    }

    private func hasCurve(_ entry: Int) -> Bool {
        entry < 2 || entry == 4 && !boxes.background || entry > 4 && !boxes.softmax && boxes.tree == nil
    }

    private func activate(_ unit: Int) {
        let (block, anchor) = unit.quotientAndRemainder(dividingBy: boxes.mask.count)
        let channel = anchor * boxes.entries
        for entry in 0..<boxes.entries {
            let (source, target) = (input.plane(block, channel + entry), output.plane(block, channel + entry))
            let activation = hasCurve(entry) ? Activation.logistic : .linear
            for position in 0..<target.count { target[position] = activation.value(at: source[position]) }
        }
        if let tree = boxes.tree {
            for group in tree.groups { normalize(block, channel + 5 + group.lowerBound, count: group.count) }
        } else if boxes.softmax {
            let first = boxes.background ? 4 : 5
            normalize(block, channel + first, count: boxes.entries - first)
        }
    }

    /// Makes probabilities of the channels from `first` on, at each cell.
    private func normalize(_ block: Int, _ first: Int, count: Int) {
        for position in 0..<grid.area {
            output.softmax(of: input, block, first: first * grid.area + position, count: count, stride: grid.area)
        }
    }

    // MARK: The loss

    private func measure(_ unit: Int, drawsToAnchors: Bool) {
        let (block, anchor) = unit.quotientAndRemainder(dividingBy: boxes.mask.count)
        for lane in loss.lanes(block) {
            let count = (0..<boxes.maximumBoxes).first { listed(block, lane, $0)[0] == 0 } ?? boxes.maximumBoxes
            for cell in 0..<grid.area {
                let place = Place(self, block, lane, anchor: anchor, cell: cell)
                judge(place, block, lane, count)
                if drawsToAnchors { drawToAnchor(place) }
            }
            for index in 0..<count {
                guard let (box, kind) = listed(block, lane, index).box(classes: boxes.classes) else { continue }
                let cell =
                    Entries<Scalar>.cell(box.y, of: grid.height) * grid.width
                    + Entries<Scalar>.cell(box.x, of: grid.width)
                guard chosen(box, block, lane, cell) == boxes.mask[anchor] else { continue }
                assign(Place(self, block, lane, anchor: anchor, cell: cell), box, kind)
            }
        }
    }

    /// One prediction of an image.
    private struct Place {
        let values: Entries<Scalar>
        let deltas: Entries<Scalar>
        /// Among all anchors.
        let anchor: Int
        let row: Int
        let column: Int
        let box: Box<Scalar>

        init(_ layer: AnchorBoxesLayer, _ block: Int, _ lane: Int, anchor: Int, cell: Int) {
            let area = layer.grid.area
            let first = anchor * layer.boxes.entries * area + cell
            values = Entries(layer.output, block, lane, first: first, stride: area)
            deltas = Entries(layer.loss.deltas, block, lane, first: first, stride: area)
            self.anchor = layer.boxes.mask[anchor]
            (row, column) = cell.quotientAndRemainder(dividingBy: layer.grid.width)
            box = layer.boxes.box(values.four(0), anchor: self.anchor, row: row, column: column, grid: layer.grid)
        }
    }

    /// A place in the image's list of true boxes.
    private func listed(_ block: Int, _ lane: Int, _ index: Int) -> Entries<Scalar> {
        Entries(truth, block, lane, first: index * 5)
    }

    /// Tells a prediction that there is nothing, unless it overlaps a true box.
    private func judge(_ place: Place, _ block: Int, _ lane: Int, _ count: Int) {
        var best: Scalar = 0
        var nearest: (box: Box<Scalar>, class: Int)?
        for index in 0..<count {
            guard let listed = listed(block, lane, index).box(classes: boxes.classes) else { continue }
            let overlap = place.box.iou(listed.box)
            if overlap > best { (best, nearest) = (overlap, listed) }
        }
        if best <= Scalar(boxes.ignoreThreshold) {
            place.deltas[4] = Scalar(boxes.noObjectScale) * ((boxes.background ? 1 : 0) - place.values[4])
        }
        if boxes.truthThreshold < 1, best > Scalar(boxes.truthThreshold), let nearest {
            assign(place, nearest.box, nearest.class)
        }
    }

    /// The anchor, among all, whose shape is most like a true box's; the first of equals.
    private func chosen(_ box: Box<Scalar>, _ block: Int, _ lane: Int, _ cell: Int) -> Int {
        var best: Scalar = 0
        var chosen = 0
        let centred = Box(x: 0, y: 0, width: box.width, height: box.height)
        for anchor in boxes.anchors.indices {
            var size: SIMD2<Scalar> = boxes.prior(anchor)
            if !boxes.matchesAnchors {
                let predicted = Place(self, block, lane, anchor: anchor, cell: cell).box
                size = SIMD2(predicted.width, predicted.height)
            }
            let overlap = Box(x: 0, y: 0, width: size.x, height: size.y).iou(centred)
            if overlap > best { (best, chosen) = (overlap, anchor) }
        }
        return chosen
    }

    /// Draws a prediction to a true box.
    private func assign(_ place: Place, _ box: Box<Scalar>, _ kind: Int) {
        draw(place, to: box, scale: Scalar(boxes.coordinateScale) * (2 - box.width * box.height))
        let goal = boxes.background ? 0 : boxes.rescores ? place.box.iou(box) : 1
        place.deltas[4] = Scalar(boxes.objectScale) * (goal - place.values[4])
        // Another true box was here before: both classes are right.
        let classes = 5..<(isStrict ? 6 : boxes.entries)
        let isShared = !boxes.softmax && classes.contains { place.deltas[$0] != 0 }
        func learn(_ classes: Range<Int>, _ right: Int) {
            for kind in classes {
                place.deltas[5 + kind] =
                    Scalar(boxes.classScale) * ((kind == right ? 1 : 0) - place.values[5 + kind])
            }
        }
        guard !isShared else { return learn(kind..<kind + 1, kind) }
        guard let tree = boxes.tree else { return learn(0..<boxes.classes, kind) }
        // Among its siblings the class is right, and so is each of its ancestors among theirs.
        var right = kind
        while right >= 0, let group = tree.groups.first(where: { $0.contains(right) }) {
            learn(group, right)
            right = tree.parents[right]
        }
    }

    private func drawToAnchor(_ place: Place) {
        let prior: SIMD2<Scalar> = boxes.prior(place.anchor)
        let box = Box(
            x: (Scalar(place.column) + 0.5) / Scalar(grid.width), y: (Scalar(place.row) + 0.5) / Scalar(grid.height),
            width: prior.x, height: prior.y)
        draw(place, to: box, scale: 0.01)
    }

    private func draw(_ place: Place, to box: Box<Scalar>, scale: Scalar) {
        let prior: SIMD2<Scalar> = boxes.prior(place.anchor)
        let goal = SIMD4(
            box.x * Scalar(grid.width) - Scalar(place.column), box.y * Scalar(grid.height) - Scalar(place.row),
            Scalar.logarithm(box.width / prior.x), Scalar.logarithm(box.height / prior.y))
        for entry in 0..<4 { place.deltas[entry] = scale * (goal[entry] - place.values[entry]) }
    }
}
