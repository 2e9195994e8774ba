/// Predicts a few boxes in each cell of a grid, and measures how far they are from the true one: `[detection]`.
///
/// Deltas are Darknet's, with these repairs: a box is responsible even if all are far off; a cell that has one box has no
/// second to force small objects on. A unit of work is one cell of eight images.
struct GridBoxesLayer<Scalar: ReferenceScalar> {
    let input: LaneTensor<Scalar>
    let output: LaneTensor<Scalar>
    let truth: LaneTensor<Scalar>
    let grid: LayerDescription.GridBoxes
    /// Its index in the network, of the random draws.
    let layer: Int
    let loss: OwnLoss<Scalar>

    private var units: Int { input.blocks * grid.cells }

    /// - Returns: the sum of the squared deltas, from the first worker; 0 without a truth.
    func forward(_ pass: Pass, hasTruth: Bool, _ worker: PassWorker) -> Double {
        let classes = grid.cells * grid.classes
        for unit in worker.share(of: input.blocks * grid.count) {
            let (block, element) = unit.quotientAndRemainder(dividingBy: grid.count)
            if !grid.softmax || element >= classes { output[block, element] = input[block, element] }
        }
        if grid.softmax {
            for unit in worker.share(of: units) {
                let (block, cell) = unit.quotientAndRemainder(dividingBy: grid.cells)
                output.softmax(of: input, block, first: cell * grid.classes, count: grid.classes, stride: 1)
            }
        }
        guard hasTruth else { return 0 }
        return loss.measure(units: units, worker) { unit in
            let (block, cell) = unit.quotientAndRemainder(dividingBy: grid.cells)
            for lane in loss.lanes(block) { measure(cell, block, lane, pass) }
        }
    }

    private func measure(_ cell: Int, _ block: Int, _ lane: Int, _ pass: Pass) {
        let values = Entries(output, block, lane, first: 0)
        let deltas = Entries(loss.deltas, block, lane, first: 0)
        let truth = Entries(truth, block, lane, first: cell * (5 + grid.classes))
        for box in 0..<grid.boxes {
            let place = grid.objectness(cell, box)
            deltas[place] = Scalar(grid.noObjectScale) * (0 - values[place])
        }
        var goal = truth.four(1 + grid.classes)
        // Width and height are those of the image whether or not their roots are predicted.
        if grid.usesRoots { (goal.z, goal.w) = (goal.z.squareRoot(), goal.w.squareRoot()) }
        let box = grid.box(goal, cell: cell)
        guard truth[0] != 0, box.isSound else { return }

        for entry in 0..<grid.classes {
            let place = cell * grid.classes + entry
            deltas[place] = Scalar(grid.classScale) * (truth[1 + entry] - values[place])
        }
        let chosen = responsible(box, cell, values, image: pass.firstImage + block * 8 + lane, pass)
        let place = grid.place(cell, chosen)
        for entry in 0..<4 {
            deltas[place + entry] = Scalar(grid.coordinateScale) * (goal[entry] - values[place + entry])
        }
        let overlap = grid.rescores ? grid.box(values.four(place), cell: cell).iou(box) : 1
        let objectness = grid.objectness(cell, chosen)
        deltas[objectness] = Scalar(grid.objectScale) * (overlap - values[objectness])
    }

    /// The box that answers for a true one: that of the greatest overlap, or the least far off where none overlaps.
    private func responsible(
        _ truth: Box<Scalar>, _ cell: Int, _ values: Entries<Scalar>, image: Int, _ pass: Pass
    ) -> Int {
        let seen = Int(min(pass.iteration, 64_000)) * grid.batch + pass.firstImage + input.images
        if grid.random, seen < 64_000 {
            let stream = RandomStream(seed: pass.seed, purpose: .assignment, substream: UInt32(layer))
            let word = stream.block(UInt64(image) << 32 | UInt64(cell), iteration: pass.iteration).x
            return Int(UInt64(word).multipliedFullWidth(by: UInt64(grid.boxes) << 32).high)
        }
        if grid.forcesBySize { return truth.width * truth.height < 0.1 ? min(1, grid.boxes - 1) : 0 }
        var chosen = 0
        var overlap: Scalar = 0
        var distance: Scalar = 20
        for index in 0..<grid.boxes {
            let box = grid.box(values.four(grid.place(cell, index)), cell: cell)
            let shared = box.iou(truth)
            if shared > overlap {
                (overlap, chosen) = (shared, index)
            } else if overlap == 0, box.distance(truth) < distance {
                (distance, chosen) = (box.distance(truth), index)
            }
        }
        return chosen
    }
}
