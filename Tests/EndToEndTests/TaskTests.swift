import Foundation
import PliniusDatasets
import Testing
import _PliniusTestSupport

/// What is measured for each task follows from the predictions, which only their owner can read: here they are judged once more.
@Suite struct TaskTests {
    /// What a model of a scenario is said to be, at the end of training and by itself, and what it predicts.
    private struct Measured {
        let scenario: Scenario
        let trained, tested: [String: Any]
        let outputs: [[Float]]

        /// Trains on the scenario's data, tests on them and predicts them.
        init(_ scenario: Scenario, _ more: String...) throws {
            self.scenario = scenario
            let training = try scenario.train("--test-data", scenario.data)
            try #require(training.succeeded, "\(training)")
            trained = try #require(try training.json["test"] as? [String: Any])
            let model = Self.arguments(scenario)
            let test = try Program.plinius.run(["test", "--json"] + model + more)
            tested = try test.json
            try #require(test.succeeded, "\(test)")
            let prediction = try Program.plinius.run(
                ["predict", "--json", "--out", scenario.folder("results")] + model)
            try #require(prediction.succeeded, "\(prediction)")
            #expect(try prediction.json["task"] as? String == tested["task"] as? String)
            outputs = try SealedResults(
                scenario.folder.read("results"), key: scenario.folder.read("owner.key")
            ).opened()
        }

        static func arguments(_ scenario: Scenario) -> [String] {
            [
                "--config", scenario.config, "--data", scenario.data, "--pool", scenario.pool, "--insecure-local-key",
                scenario.key,
            ]
        }

        subscript(name: String) -> Double { tested[name] as? Double ?? .nan }

        func list(_ name: String) -> [[String: Any]] { tested[name] as? [[String: Any]] ?? [] }

        /// Expects a figure, and that training ended with nearly the same one: its mini-batches are others.
        func expect(_ name: String, _ expected: Double, sourceLocation: SourceLocation = #_sourceLocation) {
            #expect(
                abs(self[name] - expected) <= 1e-5 * max(1, abs(expected)), "\(name) is \(self[name]), not \(expected)",
                sourceLocation: sourceLocation)
            let end = trained[name] as? Double ?? .nan
            #expect(
                abs(end - expected) <= 1e-3 * max(1, abs(expected)), "\(name) was \(end), not \(expected)",
                sourceLocation: sourceLocation)
        }

        /// What the owner's program reads out of the results, a line for each image.
        func opened(_ more: String...) throws -> [[String: Any]] {
            let outcome = try Program.owner.run(
                ["open", scenario.folder("results"), "--key", scenario.key, "--out", scenario.folder("opened")] + more)
            try #require(outcome.succeeded, "\(outcome)")
            defer { try? FileManager.default.removeItem(atPath: scenario.folder("opened")) }
            return try String(decoding: scenario.folder.read("opened"), as: UTF8.self).split(separator: "\n").map {
                try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
            }
        }
    }

    private func scenario(_ lines: String, _ layers: String, sealing arguments: String...) throws -> Scenario {
        let scenario = try Scenario(config: "[net]\npolicy=constant\nmomentum=0.9\n\(lines)\n\(layers)\n")
        let outcome = try Program.owner.run(
            ["seal", "--key", scenario.key, "--out", scenario.data, "--force", "--format"] + arguments)
        try #require(outcome.succeeded, "\(outcome.errors)")
        return scenario
    }

    private func samples(_ source: some RecordSource) throws -> [(pixels: [UInt8], truth: [UInt8])] {
        var samples: [(pixels: [UInt8], truth: [UInt8])] = []
        var (pixels, truth): ([UInt8], [UInt8]) = ([], [])
        while try source.next(into: &pixels, truth: &truth) { samples.append((pixels, truth)) }
        return samples
    }

    private func best(_ values: [Float]) -> Int { values.indices.max { values[$0] < values[$1] } ?? 0 }

    // MARK: Each task

    @Test(.timeLimit(.minutes(30))) func classes() throws {
        let scenario = try Scenario(count: 90)
        let names = (0..<10).map { "digit \($0)" }
        try scenario.folder.write(names.joined(separator: "\n") + "\n", to: "names")
        let measured = try Measured(scenario, "--names", scenario.folder("names"), "--task", "classify")
        let labels = measured.outputs.indices.map { index in
            var pixels: [UInt8] = []
            return SyntheticDigits.draw(seed: 1, index: index, into: &pixels)
        }
        #expect(measured.tested["task"] as? String == "classify")
        #expect(measured["count"] == 90)
        var matrix = Array(repeating: Array(repeating: 0, count: 10), count: 10)
        var (among, loss) = (0, 0.0)
        for (output, label) in zip(measured.outputs, labels) {
            matrix[label][best(output)] += 1
            if output.count(where: { $0 > output[label] }) < 5 { among += 1 }
            loss -= log(Double(output[label]))
        }
        let right = (0..<10).reduce(0) { $0 + matrix[$1][$1] }
        #expect(measured.tested["confusion"] as? [[Int]] == matrix && right > 9)
        #expect(measured.tested["correct"] as? Int == right)
        measured.expect("accuracy", Double(right) / 90)
        measured.expect("score", Double(right) / 90)
        measured.expect("loss", loss / 90)
        let top = try #require(measured.tested["top"] as? [String: Any])
        #expect(top["k"] as? Int == 5 && top["correct"] as? Int == among && among > right)
        for (index, figures) in measured.list("classes").enumerated() {
            let (row, column) = (matrix[index].reduce(0, +), matrix.reduce(0) { $0 + $1[index] })
            #expect(figures["name"] as? String == names[index] && figures["count"] as? Int == row)
            let hits = Double(matrix[index][index])
            // -1 stands for what would divide by zero.
            for (name, part, whole) in [
                ("recall", hits, row), ("precision", hits, column), ("f1", 2 * hits, row + column),
            ] {
                let expected = whole > 0 ? part / Double(whole) : -1
                #expect(abs((figures[name] as? Double ?? -1) - expected) < 1e-12, "\(name) of \(index)")
            }
        }
        #expect(measured.list("classes").count == 10)
        let text = try Program.plinius.run(["test"] + Measured.arguments(scenario)).output
        #expect(text.contains("\(right) of 90 images are right") && text.contains("is \\ taken for"), "\(text)")
    }

    @Test(
        .timeLimit(.minutes(30)),
        arguments: [("[logistic]", 10), ("[softmax]\nspatial=1", 10), ("[iseg]\nclasses=10\nids=4", 14)])
    func pixels(head: String, filters: Int) throws {
        let scenario = try scenario(
            "height=64\nwidth=64\nchannels=1\nbatch=4\nlearning_rate=0.0005\nmax_batches=40",
            "[convolutional]\nfilters=\(filters)\nsize=5\nstride=1\npad=1\nactivation=linear\n\(head)",
            sealing: "synthetic-masks", "--count", "10", "--seed", "5")
        let measured = try Measured(scenario, "--task", "segment")
        let masks = try samples(SyntheticScenes(count: 10, seed: 5, .masks)).map(\.truth)
        let hasNone = !head.contains("softmax")
        let side = hasNone ? 11 : 10
        var matrix = Array(repeating: Array(repeating: 0, count: side), count: side)
        var readings: [[Int]] = []
        for (output, mask) in zip(measured.outputs, masks) {
            #expect(output.count == filters * 4096)
            readings.append([])
            for pixel in 0..<4096 {
                let values = (0..<10).map { output[$0 * 4096 + pixel] }
                let found = hasNone && values.allSatisfy { $0 <= 0.5 } ? 10 : best(values)
                readings[readings.count - 1].append(found == 10 ? -1 : found)
                if mask[pixel] < 10 || hasNone { matrix[min(Int(mask[pixel]), 10)][found] += 1 }
            }
        }
        #expect(measured.tested["confusion"] as? [[Int]] == matrix)
        #expect(Set(readings.joined()).count > 1)
        let overlaps = (0..<10).compactMap { kind -> Double? in
            let either = matrix[kind].reduce(0, +) + matrix.reduce(0) { $0 + $1[kind] } - matrix[kind][kind]
            return either > 0 ? Double(matrix[kind][kind]) / Double(either) : nil
        }
        measured.expect("meanIoU", overlaps.reduce(0, +) / Double(overlaps.count))
        measured.expect("score", overlaps.reduce(0, +) / Double(overlaps.count))
        let (right, all) = (
            matrix.indices.reduce(0) { $0 + matrix[$1][$1] }, matrix.joined().reduce(0, +)
        )
        measured.expect("accuracy", Double(right) / Double(all))
        #expect(measured.tested["pixels"] as? Int == all && measured["count"] == 10)
        let shares = measured.list("classes").compactMap { $0["iou"] as? Double }
        #expect(shares.count == overlaps.count && zip(shares, overlaps).allSatisfy { abs($0 - $1) < 1e-12 })
        let lines = try measured.opened("--config", scenario.config)
        #expect(lines.map { ($0["pixels"] as? [[Int]] ?? []).flatMap { $0 } } == readings)
    }

    @Test(.timeLimit(.minutes(30))) func numbers() throws {
        let folder = try TemporaryDirectory()
        let rows = (0..<50).map { ($0 * 37 % 256, $0 * 91 % 256) }
        let targets = rows.map { (Float($0.0 * $0.1) / 65_025, Float($0.0 + $0.1) / 510, Float(0.25)) }
        try folder.write(rows.map { "\($0.0),\($0.1)" }.joined(separator: "\n"), to: "features")
        try folder.write(targets.map { "\($0.0),\($0.1),\($0.2)" }.joined(separator: "\n"), to: "targets")
        let scenario = try scenario(
            "height=1\nwidth=2\nchannels=1\nbatch=16\nlearning_rate=0.05\nmax_batches=40",
            "[connected]\noutput=3\nactivation=linear\n[cost]\ntype=sse",
            sealing: "regression", "--features", folder("features"), "--targets", folder("targets"))
        let measured = try Measured(scenario, "--task", "regress")
        let columns = [targets.map(\.0), targets.map(\.1), targets.map(\.2)].map { $0.map(Double.init) }
        var (squares, magnitudes) = (0.0, 0.0)
        for (index, (column, figures)) in zip(columns, measured.list("targets")).enumerated() {
            let errors = zip(measured.outputs, column).map { Double($0[index]) - $1 }
            let mean = column.reduce(0, +) / 50
            let variance = column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 50
            let square = errors.reduce(0) { $0 + $1 * $1 } / 50
            squares += square / 3
            magnitudes += errors.reduce(0) { $0 + abs($1) } / 150
            #expect(abs((figures["meanSquaredError"] as? Double ?? .nan) - square) < 1e-7)
            // A target that never changes has no variance to explain.
            guard index < 2 else {
                #expect(figures["r2"] is NSNull)
                continue
            }
            #expect(abs((figures["r2"] as? Double ?? .nan) - (1 - square / variance)) < 1e-4)
        }
        measured.expect("meanSquaredError", squares)
        measured.expect("meanAbsoluteError", magnitudes)
        measured.expect("rmse", squares.squareRoot())
        measured.expect("score", -squares.squareRoot())
        #expect(measured.list("targets").count == 3 && squares > 0)
        let lines = try measured.opened("--config", scenario.config)
        #expect(lines.map { ($0["values"] as? [Double] ?? []).map { Float($0) } } == measured.outputs)
    }

    @Test(.timeLimit(.minutes(30))) func characters() throws {
        // Four sequences a mini-batch while training, one while testing: the windows are the same.
        let scenario = try scenario(
            "inputs=128\nbatch=4\ntime_steps=8\nlearning_rate=0.1\nmax_batches=60",
            "[gru]\noutput=16\n[connected]\noutput=128\nactivation=linear\n[softmax]",
            sealing: "synthetic-text", "--count", "19", "--window", "16", "--seed", "4")
        let measured = try Measured(scenario, "--task", "sequence")
        let texts = try samples(SyntheticText(count: 19, seed: 4, steps: 16, .sentences)).map(\.pixels)
        let following = texts.flatMap { $0.dropFirst() }
        #expect(following.count == measured.outputs.count && measured["count"] == Double(following.count))
        let loss = zip(measured.outputs, following).reduce(0.0) { $0 - log(Double($1.0[Int($1.1)])) } / 304
        measured.expect("loss", loss)
        measured.expect("perplexity", exp(loss))
        measured.expect("bitsPerCharacter", loss / log(2))
        measured.expect("score", -exp(loss))
        let right = zip(measured.outputs, following).count { best($0) == Int($1) }
        measured.expect("accuracy", Double(right) / 304)
        #expect(right > 0 && loss < log(128))
    }

    @Test(.timeLimit(.minutes(30))) func boxesOfTwoHeads() throws {
        let anchors = "anchors=14,20, 20,24, 26,28\nnum=3\nclasses=10"
        let scenario = try scenario(
            "height=64\nwidth=64\nchannels=1\nbatch=8\nlearning_rate=0.001\nmax_batches=150",
            """
            [convolutional]
            batch_normalize=1
            filters=16
            size=5
            stride=4
            pad=1
            activation=leaky
            [convolutional]
            batch_normalize=1
            filters=32
            size=3
            stride=2
            pad=1
            activation=leaky
            [convolutional]
            filters=15
            size=3
            stride=1
            pad=1
            activation=linear
            [yolo]
            mask=0
            \(anchors)
            [route]
            layers=-3
            [convolutional]
            filters=30
            size=3
            stride=2
            pad=1
            activation=linear
            [yolo]
            mask=1,2
            \(anchors)
            """, sealing: "synthetic-boxes", "--count", "20", "--seed", "3")
        let measured = try Measured(scenario, "--task", "detect")
        #expect(measured.outputs.allSatisfy { $0.count == 15 * 64 + 30 * 16 })
        let lines = try measured.opened("--config", scenario.config)
        let truths = try samples(SyntheticScenes(count: 20, seed: 3, .boxes)).map { Box.truth($0.truth) }
        var (found, hits, objects, overlap) = (0, 0, 0, 0.0)
        for ((line, output), truth) in zip(zip(lines, measured.outputs), truths) {
            let boxes = Box.left(of: Box.decode(output, heads: [(8, [(14, 20)]), (4, [(20, 24), (26, 28)])]))
            let opened = line["boxes"] as? [[String: Any]] ?? []
            #expect(opened.map { $0["class"] as? Int } == boxes.map(\.kind))
            for (box, entry) in zip(boxes, opened) {
                let numbers = ["probability", "x", "y", "width", "height"].map { entry[$0] as? Double ?? .nan }
                let own = [box.score, box.x, box.y, box.width, box.height]
                #expect(zip(numbers, own).allSatisfy { abs($0 - $1) < 1e-5 }, "\(entry)")
            }
            found += boxes.count
            objects += truth.count
            var taken: Set<Int> = []
            for box in boxes {
                let own = truth.indices.filter { truth[$0].kind == box.kind }
                guard let best = own.max(by: { truth[$0].overlap(box) < truth[$1].overlap(box) }) else { continue }
                if truth[best].overlap(box) > 0.5, taken.insert(best).inserted { hits += 1 }
            }
            overlap += truth.reduce(0) { sum, truth in sum + (boxes.map { truth.overlap($0) }.max() ?? 0) }
        }
        #expect(measured["found"] == Double(found) && measured["hits"] == Double(hits) && found > 0 && hits > 0)
        #expect(measured["objects"] == Double(objects))
        measured.expect("precision", Double(hits) / Double(found))
        measured.expect("recall", Double(hits) / Double(objects))
        measured.expect("f1", 2 * Double(hits) / Double(found + objects))
        measured.expect("meanIoU", overlap / Double(objects))
        measured.expect("score", measured["mAP50"])
        let classes = measured.list("classes")
        let mean = classes.reduce(0) { $0 + ($1["ap50"] as? Double ?? .nan) } / Double(classes.count)
        measured.expect("mAP50", mean)
        #expect(measured["mAP"] <= mean && measured["mAP"] > 0 && measured["mAP50VOC2007"] > 0)
        #expect(classes.reduce(0) { $0 + ($1["objects"] as? Int ?? 0) } == objects)
    }

    // MARK: What does not match

    @Test(.timeLimit(.minutes(30))) func anotherTaskIsRefused() throws {
        let scenario = try Scenario()
        func expectRefusal(_ arguments: [String], _ words: String..., status: Int32 = 2) throws {
            let outcome = try Program.plinius.run(arguments)
            #expect(outcome.status == .exited(status), "\(outcome)")
            for word in words { #expect(outcome.errors.contains(word), "\(outcome.errors)") }
        }
        for task in ["detect", "segment", "regress", "sequence"] {
            try expectRefusal(
                scenario.trainArguments(["--task", task]), "--task is \(task)", "learns from 10 values",
                "teaches by label", "expected classify")
        }
        #expect(try !scenario.folder.names().contains("run.pool"))
        try expectRefusal(scenario.trainArguments(["--task", "guess"]), "guess", "classify", status: 64)
        let outcome = try scenario.train("--iterations", "2", "--task", "classify")
        #expect(try outcome.json["task"] as? String == "classify", "\(outcome)")
        #expect(outcome.errors.contains("network (classify)"))
        let arguments = Measured.arguments(scenario)
        try expectRefusal(["test", "--task", "sequence"] + arguments, "--task is sequence", "expected classify")
        // Whoever predicts looks at no truth: what the network can be used for is allowed, boxes are not.
        let results = ["--out", scenario.folder("results"), "--json"]
        try expectRefusal(
            ["predict", "--task", "detect"] + arguments + results, "--task is detect", "expected one of classify")
        #expect(try !scenario.folder.names().contains("results"))
        let regressed = try Program.plinius.run(["predict", "--task", "regress"] + arguments + results)
        #expect(try regressed.json["task"] as? String == "regress", "\(regressed)")
        // The names have to be those of the classes.
        for (text, words) in [("a\nb\n", "2 names"), ("a\n\nb\n", "line 2")] {
            try scenario.folder.write(text, to: "names")
            try expectRefusal(["test", "--names", scenario.folder("names")] + arguments, words)
        }
        for (more, words) in [
            (["--task", "detect"], "--config"), (["--task", "detect", "--config", scenario.config], "finds no boxes"),
            (["--task", "segment", "--config", scenario.config], "no class for each pixel"),
            (["--threshold", "0"], "--threshold"),
            (["--config", scenario.folder("other.cfg")], "not the configuration"),
        ] {
            try scenario.folder.write(Scenario.smallNetwork + "\n[cost]\n", to: "other.cfg")
            let open = try Program.owner.run(
                ["open", scenario.folder("results"), "--key", scenario.key, "--out", scenario.folder("out")] + more)
            #expect(open.status == .exited(2) && open.errors.contains(words), "\(open)")
        }
    }
}

/// A box as its corner numbers say, and what belongs to it, written once more.
private struct Box {
    var kind: Int
    var score, x, y, width, height: Double

    /// Boxes of a sealed record: u32 how many, then u32 class and four Float32 each.
    static func truth(_ bytes: [UInt8]) -> [Box] {
        func word(_ index: Int) -> UInt32 {
            bytes[4 * index..<4 * index + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
        }
        func float(_ index: Int) -> Double { Double(Float(bitPattern: word(index))) }
        return (0..<Int(word(0))).map { box in
            let first = 1 + 5 * box
            return Box(
                kind: Int(word(first)), score: 1, x: float(first + 1), y: float(first + 2), width: float(first + 3),
                height: float(first + 4))
        }
    }

    /// The boxes of `[yolo]` heads that stand one behind the other: sides of their grids, and anchors in pixels of 64.
    static func decode(_ output: [Float], heads: [(side: Int, anchors: [(Double, Double)])]) -> [Box] {
        var boxes: [Box] = []
        var first = 0
        for (side, anchors) in heads {
            let area = side * side
            for cell in 0..<area {
                for (index, anchor) in anchors.enumerated() {
                    func entry(_ number: Int) -> Double { Double(output[first + (index * 15 + number) * area + cell]) }
                    for kind in 0..<10 where entry(4) * entry(5 + kind) > 0.25 {
                        boxes.append(
                            Box(
                                kind: kind, score: entry(4) * entry(5 + kind),
                                x: (Double(cell % side) + entry(0)) / Double(side),
                                y: (Double(cell / side) + entry(1)) / Double(side),
                                width: exp(entry(2)) * anchor.0 / 64, height: exp(entry(3)) * anchor.1 / 64))
                    }
                }
            }
            first += 15 * anchors.count * area
        }
        return boxes
    }

    /// What is left when the better one of two that overlap by more than 0.45 suppresses the other; the surest first.
    static func left(of boxes: [Box]) -> [Box] {
        var left: [Box] = []
        for box in boxes.sorted(by: { $0.score > $1.score })
        where left.allSatisfy({ $0.kind != box.kind || $0.overlap(box) <= 0.45 }) { left.append(box) }
        return left
    }

    func overlap(_ other: Box) -> Double {
        func shared(_ a: Double, _ aSize: Double, _ b: Double, _ bSize: Double) -> Double {
            max(0, min(a + aSize / 2, b + bSize / 2) - max(a - aSize / 2, b - bSize / 2))
        }
        let both = shared(x, width, other.x, other.width) * shared(y, height, other.y, other.height)
        return both / (width * height + other.width * other.height - both)
    }
}
