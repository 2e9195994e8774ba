import PliniusModels
import PliniusNN
import Testing
import _PliniusSupport

/// Structure only: scripts/test-interop has another runtime compute what is written here.
@Suite("ONNX")
struct ONNXTests {
    /// A file, taken apart by the field numbers of onnx.proto.
    struct File {
        let model: ProtobufMessage
        let graph: ProtobufMessage
        var nodes: [ProtobufMessage] { graph.messages(1) }
        var operations: [String] { nodes.flatMap { $0.texts(4) } }

        func attribute(_ name: String, of node: ProtobufMessage) -> ProtobufMessage? {
            node.messages(5).first { $0.texts(1) == [name] }
        }

        func constant(_ name: String) -> (type: [Int], shape: [Int], data: [UInt8])? {
            graph.messages(5).first { $0.texts(8) == [name] }.map { ($0.numbers(2), $0.numbers(1), $0.bytes(9)[0]) }
        }
    }

    func export(_ layers: String, input: String = "height=5\nwidth=4\nchannels=2") throws -> (File, Model) {
        let network = try NetworkDescription(parsing: "[net]\n\(input)\n\(layers)", file: "test.cfg")
        let arena = ParameterArena(layout: network.layout)
        arena.initialize(network, seed: 3)
        for tensor in network.layout.tensors where tensor.role == .rollingVariance {
            arena.floats(of: tensor).update(repeating: 0.25)
        }
        let model = Model(network: network, arena: arena, iteration: 9, imagesSeen: 36)
        let message = try #require(ProtobufMessage(try ONNX.encoded(model)))
        return (File(model: message, graph: try #require(message.messages(7).first)), model)
    }

    func little(_ values: [Float]) -> [UInt8] { values.flatMap { SampleModel.little($0.bitPattern) } }

    @Test("The file says its versions, its input of any number of images, its output, and how long was trained")
    func frame() throws {
        let (file, _) = try export("[connected]\noutput=3\nactivation=linear\n[softmax]\n[cost]")
        #expect(file.model.numbers(1) == [8] && file.model.texts(2) == ["plinius"])
        #expect(file.model.messages(8).map { $0.numbers(2) } == [[17]] && ONNX.operatorSetVersion == 17)
        #expect(file.model.messages(8)[0].texts(1).isEmpty)
        #expect(
            file.model.messages(14).map { $0.texts(1) + $0.texts(2) } == [["images_seen", "36"], ["iteration", "9"]])
        func extents(_ field: Int) -> (String, [Int], [String]) {
            let value = file.graph.messages(field)[0]
            let tensor = value.messages(2)[0].messages(1)[0]
            let dimensions = tensor.messages(2)[0].messages(1)
            #expect(tensor.numbers(1) == [1])
            return (value.texts(1)[0], dimensions.flatMap { $0.numbers(1) }, dimensions.flatMap { $0.texts(2) })
        }
        #expect(extents(11) == ("images", [2, 5, 4], ["images"]))
        #expect(extents(12) == ("predictions", [3], ["images"]))
        try #require(file.operations == ["Flatten", "Gemm", "Softmax", "Identity"])
        #expect(file.nodes.last?.texts(2) == ["predictions"])
        let image = try export("[convolutional]\nfilters=7\nactivation=linear").0
        #expect(image.graph.messages(12)[0].messages(2)[0].messages(1)[0].messages(2)[0].messages(1).count == 4)
    }

    @Test(
        "Convolutions have their geometry and the arena's bytes; batch normalisation has Darknet's epsilon in its variance"
    )
    func convolution() throws {
        let (file, model) = try export(
            "[convolutional]\nfilters=6\nsize=3\nstride=2\npadding=1\ngroups=2\nactivation=leaky\n"
                + "[convolutional]\nfilters=2\nbatch_normalize=1\nactivation=linear")
        try #require(file.operations == ["Conv", "LeakyRelu", "Conv", "BatchNormalization", "Identity"])
        let (first, second, normal) = (file.nodes[0], file.nodes[2], file.nodes[3])
        #expect(first.texts(1) == ["images", "layers.0.weights", "layers.0.biases"])
        #expect(second.texts(1).count == 2)
        for (name, numbers) in [("kernel_shape", [3, 3]), ("strides", [2, 2]), ("pads", [1, 1, 1, 1])] {
            #expect(file.attribute(name, of: first)?.numbers(8) == numbers)
            #expect(file.attribute(name, of: first)?.numbers(20) == [7])
        }
        #expect(file.attribute("group", of: first)?.numbers(3) == [2])
        #expect(file.attribute("alpha", of: file.nodes[1])?.float(2) == 0.1)
        #expect(file.attribute("alpha", of: file.nodes[1])?.numbers(20) == [1])
        let weights = try #require(file.constant("layers.0.weights"))
        let tensor = try #require(model.network.layout.tensor(layer: 0, role: .weights))
        #expect(weights.type == [1] && weights.shape == [6, 1, 3, 3])
        #expect(weights.data == little(Array(model.arena.floats(of: tensor))))
        #expect(
            normal.texts(1).dropFirst() == [
                "layers.1.scales", "layers.1.biases", "layers.1.rolling_mean", "layers.1.rolling_variance.onnx",
            ])
        #expect(file.attribute("epsilon", of: normal)?.float(2) == 0)
        let deviation = 0.5 + 1e-6
        #expect(
            file.constant("layers.1.rolling_variance.onnx")?.data
                == little([Float(deviation * deviation), Float(deviation * deviation)]))
    }

    @Test(
        "A pool's padding is what its windows see: more behind than before, and never a whole window",
        arguments: [
            // 5 x 4: padding 1, all of it behind, but in the height the last window ends inside, in the width it would be no new window.
            ("size=2\nstride=2", [0, 0, 1, 0]),
            ("size=2\nstride=1", [0, 0, 1, 1]),
            ("size=3\nstride=2", [1, 1, 1, 0]),
            ("size=3\nstride=2\npadding=0", [0, 0, 0, 0]),
            ("size=3\nstride=1\npadding=4", [2, 2, 2, 2]),
        ])
    func pools(options: String, pads: [Int]) throws {
        let (file, model) = try export("[maxpool]\n\(options)")
        try #require(file.operations == ["MaxPool", "Identity"])
        #expect(file.attribute("pads", of: file.nodes[0])?.numbers(8) == pads)
        let kernel = try #require(file.attribute("kernel_shape", of: file.nodes[0])?.numbers(8)[0])
        let stride = try #require(file.attribute("strides", of: file.nodes[0])?.numbers(8)[0])
        let output = model.network.layers[0].output
        // ONNX's own rule, rounding down.
        #expect((5 + pads[0] + pads[2] - kernel) / stride + 1 == output.height)
        #expect((4 + pads[1] + pads[3] - kernel) / stride + 1 == output.width)
        #expect(pads.allSatisfy { $0 < kernel })
    }

    @Test("Between layers of one and of three extents the values are reshaped; dropout is not there")
    func extents() throws {
        let (file, _) = try export(
            "[connected]\noutput=6\nactivation=relu\n[dropout]\n[convolutional]\nfilters=4\nactivation=linear\n[avgpool]\n"
                + "[softmax]\ngroups=2\ntemperature=4")
        try #require(
            file.operations == [
                "Flatten", "Gemm", "Relu", "Reshape", "Conv", "GlobalAveragePool", "Flatten", "Mul", "Reshape",
                "Softmax",
                "Reshape", "Identity",
            ])
        func extents(_ node: Int) throws -> [UInt8] {
            let constant = try #require(file.constant(file.nodes[node].texts(1)[1]))
            #expect(constant.type == [7] && constant.shape == [constant.data.count / 8])
            return constant.data
        }
        #expect(try extents(3) == [0, 6, 1, 1].flatMap { SampleModel.little(Int64($0)) })
        #expect(try extents(8) == [0, 2, 2].flatMap { SampleModel.little(Int64($0)) })
        #expect(try extents(10) == [0, 4].flatMap { SampleModel.little(Int64($0)) })
        #expect(file.constant(file.nodes[7].texts(1)[1])?.data == little([0.25]))
        #expect(file.attribute("axis", of: file.nodes[9])?.numbers(3) == [2])
    }

    @Test("Every activation has a form, and every node reads what was there before it", arguments: Activation.allCases)
    func activations(activation: Activation) throws {
        let (file, _) = try export(
            "[connected]\noutput=3\nactivation=\(activation)\n[connected]\noutput=2\nactivation=\(activation)")
        var known = Set(["images"] + file.graph.messages(5).flatMap { $0.texts(8) })
        #expect(known.count == 1 + file.graph.messages(5).count)
        for node in file.nodes {
            for input in node.texts(1) { #expect(known.contains(input), "\(input)") }
            for output in node.texts(2) { #expect(known.insert(output).inserted, "\(output) is there twice") }
        }
        #expect(file.nodes.last?.texts(2) == ["predictions"])
    }

    @Test("Layers of other kinds have the operators that compute them")
    func otherLayers() throws {
        let (file, _) = try export(
            "[deconvolutional]\nfilters=3\nsize=3\nstride=2\npad=1\nbatch_normalize=1\nactivation=relu\n"
                + "[normalization]\nsize=5\nalpha=0.5\nbeta=0.75\nkappa=2\n[batchnorm]\n[l2norm]\n[logistic]")
        try #require(
            file.operations == [
                "ConvTranspose", "BatchNormalization", "Relu", "LRN", "BatchNormalization", "LpNormalization",
                "Sigmoid",
                "Identity",
            ])
        #expect(file.constant("layers.0.weights")?.shape == [2, 3, 3, 3])
        #expect(file.attribute("pads", of: file.nodes[0])?.numbers(8) == [1, 1, 1, 1])
        #expect(file.attribute("alpha", of: file.nodes[3])?.float(2) == 2.5)
        #expect(file.attribute("bias", of: file.nodes[3])?.float(2) == 2)
        #expect(file.attribute("axis", of: file.nodes[5])?.numbers(3) == [1])
        #expect(file.attribute("p", of: file.nodes[5])?.numbers(3) == [2])
    }

    @Test("A graph's layers read what the configuration names")
    func graph() throws {
        let (file, _) = try export(
            "[convolutional]\nfilters=4\nactivation=linear\n[convolutional]\nfilters=4\nactivation=relu\n"
                + "[shortcut]\nfrom=-2\nbeta=0.5\nactivation=leaky\n[route]\nlayers=-1,0\ngroups=2\ngroup_id=1\n"
                + "[upsample]\nstride=2\nscale=3\n[activation]\nactivation=tanh\n[crop]\ncrop_height=6\ncrop_width=4\n"
                + "[route]\nlayers=-1,0")
        try #require(
            file.operations == [
                "Conv", "Conv", "Relu", "Mul", "Add", "LeakyRelu", "Slice", "Slice", "Concat", "Resize", "Mul", "Tanh",
                "Slice", "Mul", "Add", "Flatten", "Flatten", "Concat", "Identity",
            ])
        func reads(_ node: Int) -> [String] { file.nodes[node].texts(1) }
        func writes(_ node: Int) -> String { file.nodes[node].texts(2)[0] }
        func numbers(_ node: Int, _ input: Int) -> [UInt8]? { file.constant(reads(node)[input])?.data }
        func little(_ values: Int...) -> [UInt8] { values.flatMap { SampleModel.little(Int64($0)) } }
        #expect(reads(3)[0] == writes(0) && reads(4) == [writes(2), writes(3)])
        #expect(reads(6)[0] == writes(5) && reads(7)[0] == writes(0) && reads(8) == [writes(6), writes(7)])
        #expect(numbers(6, 1) == little(2) && numbers(6, 2) == little(4) && numbers(6, 3) == little(1))
        #expect(reads(9)[1] == "")
        #expect(numbers(9, 2) == self.little([1, 1, 2, 2]))
        // From 10 x 8 the middle 6 x 4.
        #expect(numbers(12, 1) == little(2, 2) && numbers(12, 2) == little(8, 6) && numbers(12, 3) == little(2, 3))
        #expect(file.attribute("axis", of: file.nodes[8])?.numbers(3) == [1])
    }

    @Test("A softmax over channels is one along them")
    func spatialSoftmax() throws {
        let (file, _) = try export("[convolutional]\nfilters=3\nactivation=linear\n[softmax]\nspatial=1\ntemperature=2")
        try #require(file.operations == ["Conv", "Mul", "Softmax", "Identity"])
        #expect(file.attribute("axis", of: file.nodes[2])?.numbers(3) == [1])
        #expect(file.graph.messages(12)[0].messages(2)[0].messages(1)[0].messages(2)[0].messages(1).count == 4)
    }

    @Test(
        "A layer without a form is refused by name",
        arguments: [
            ("[local]\nfilters=2\nsize=3\nactivation=linear", "[local]"),
            ("[convolutional]\nbinary=1\nbatch_normalize=1\nactivation=linear", "[convolutional] with binary or xnor"),
            ("[reorg]\nstride=1", "[reorg]"), ("[upsample]\nstride=-1", "[upsample] with a negative stride"),
            (
                "[convolutional]\nfilters=4\nactivation=linear\n[shortcut]\nfrom=-2",
                "[shortcut] between images of two shapes"
            ),
            ("[convolutional]\nxnor=1\nbatch_normalize=1\nactivation=linear", "[convolutional] with binary or xnor"),
        ])
    func noForm(section: String, name: String) throws {
        #expect {
            try export("\(section)\n[softmax]")
        } throws: { error in
            #expect(
                "\(error)".hasPrefix("layer \(section.contains("shortcut") ? 1 : 0) (line ")
                    && "\(error)".hasSuffix(
                        "of the configuration): \(name) has no form in ONNX: export as weights or safetensors"),
                "\(error)")
            return (error as? ModelError)?.code == .unsupported
        }
    }
}
