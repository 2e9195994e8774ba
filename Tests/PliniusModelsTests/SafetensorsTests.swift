import PliniusModels
import PliniusNN
import Testing

@Suite("safetensors")
struct SafetensorsTests {
    let sample: SampleModel

    init() throws { sample = try SampleModel() }

    func read(_ bytes: [UInt8], cutoff: Int? = nil) throws {
        try Safetensors.read(bytes, named: "file", into: sample.arena, of: sample.network, cutoff: cutoff)
    }

    func refuse(
        _ code: ModelError.Code, _ words: [String], _ bytes: [UInt8], cutoff: Int? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let before = sample.bits
        do {
            try read(bytes, cutoff: cutoff)
            Issue.record("accepted", sourceLocation: sourceLocation)
        } catch let error as ModelError {
            #expect(error.code == code, "\(error)", sourceLocation: sourceLocation)
            for word in words {
                #expect(error.description.contains(word), "\(error)", sourceLocation: sourceLocation)
            }
        } catch { Issue.record("\(error)", sourceLocation: sourceLocation) }
        #expect(sample.bits == before, "a refusal changed the arena", sourceLocation: sourceLocation)
    }

    func expectAll(sourceLocation: SourceLocation = #_sourceLocation) {
        for (index, tensor) in SampleModel.tensors.enumerated() {
            #expect(
                sample.floats(tensor.layer, tensor.role) == SampleModel.values(index), "\(tensor)",
                sourceLocation: sourceLocation)
        }
    }

    @Test("Numbers of 32 and of 16 bits arrive, and the solver's state stays", arguments: ["F32", "F16", "BF16"])
    func types(type: String) throws {
        let momentum = sample.floats(3, .biasMomentum)
        try read(SampleModel.safetensors(type: type))
        expectAll()
        #expect(sample.floats(3, .biasMomentum) == momentum)
    }

    @Test("What is written is read, and written again as the same bytes")
    func roundTrip() throws {
        let first = try Safetensors.encoded(
            Model(network: sample.network, arena: sample.arena, iteration: 3, imagesSeen: 12))
        let bits = sample.bits
        sample.arena.initialize(sample.network, seed: 8)
        #expect(sample.bits != bits)
        try read(first)
        #expect(sample.bits == bits)
        #expect(
            try SafetensorsHeader(first, named: "file").metadata == [
                "format": "plinius", "images_seen": "12", "iteration": "3",
            ])
    }

    @Test("Missing, surplus and misshapen tensors and other types are all listed")
    func mismatches() {
        refuse(
            .mismatch, ["layers.2.scales (line 18 of the configuration)", "F16 or BF16 of [5], found none"],
            SampleModel.safetensors(dropping: "layers.2.scales"))
        refuse(
            .mismatch, ["layers.3.biases (line 23", "found none", "\n  conv.bias: the network has no such tensor"],
            SampleModel.safetensors(renaming: ["layers.3.biases": "conv.bias"]))
        refuse(
            .mismatch, ["of [5, 18], found F32 of [18, 5]", "of [3, 5], found F32 of [15]"],
            SampleModel.safetensors(shapes: ["layers.2.weights": [18, 5], "layers.3.weights": [15]]))
        refuse(.mismatch, ["layers.0.biases", "found F64 of [2]"], SampleModel.safetensors(type: "F64"))
    }

    @Test("A cutoff takes the first layers, whatever the others are")
    func cutoff() throws {
        let untouched = sample.floats(3, .weights)
        try read(
            SampleModel.safetensors(
                dropping: "layers.3.biases", renaming: ["layers.3.weights": "layers.9.weights"]), cutoff: 3)
        #expect(sample.floats(2, .weights) == SampleModel.values(6) && sample.floats(3, .weights) == untouched)
        refuse(.mismatch, ["layers.2.biases"], SampleModel.safetensors(dropping: "layers.2.biases"), cutoff: 3)
        refuse(
            .mismatch, ["other.3.weights"],
            SampleModel.safetensors(renaming: ["layers.3.weights": "other.3.weights"]), cutoff: 3)
    }

    @Test("Values that are not finite and variances below zero are refused by name")
    func values() {
        func changed(_ float: Int, to value: Float) -> [UInt8] {
            var bytes = SampleModel.safetensors()
            let data = bytes.count - 4 * SampleModel.tensors.reduce(0) { $0 + $1.shape.reduce(1, *) }
            bytes.replaceSubrange(data + 4 * float..<data + 4 * float + 4, with: SampleModel.little(value.bitPattern))
            return bytes
        }
        refuse(.damaged, ["layers.0.scales: value 0 is -inf"], changed(2, to: -.infinity))
        refuse(.damaged, ["layers.0.rolling_variance: value 1 is -1"], changed(7, to: -1))
    }

    static let tensor = "{\"dtype\": \"U8\", \"shape\": [2], \"data_offsets\": [0, 2]}"

    @Test(
        "Headers that break the format's rules",
        arguments: [
            ("{\"a\": \(tensor), \"b\": \(tensor)}", 2, "b overlaps what lies before it"),
            ("{\"a\": {\"dtype\": \"U8\", \"shape\": [2], \"data_offsets\": [1, 3]}}", 3, "a has a gap before it"),
            ("{\"a\": \(tensor)}", 3, "goes on to byte"),
            ("{}", 1, "goes on to byte"),
            ("{\"a\": \(tensor)}", 1, "in bytes 0 to 2 of 1"),
            ("{\"a\": {\"dtype\": \"U8\", \"shape\": [2], \"data_offsets\": [2, 0]}}", 2, "in bytes 2 to 0"),
            ("{\"a\": {\"dtype\": \"U8\", \"shape\": [3], \"data_offsets\": [0, 2]}}", 2, "takes 3 bytes"),
            ("{\"a\": {\"dtype\": \"U8\", \"shape\": [0, 9], \"data_offsets\": [0, 2]}}", 2, "takes 0 bytes"),
            (
                "{\"a\": {\"dtype\": \"U8\", \"shape\": [4294967296, 4294967296], \"data_offsets\": [0, 2]}}", 2,
                "limits"
            ),
            ("{\"a\": {\"dtype\": \"U8\", \"shape\": [99999999999999999999], \"data_offsets\": [0, 2]}}", 2, "limits"),
            ("{\"a\": {\"dtype\": \"U8\", \"shape\": [-2], \"data_offsets\": [0, 2]}}", 2, "not negative"),
            ("{\"a\": {\"dtype\": \"U8\", \"shape\": [02], \"data_offsets\": [0, 2]}}", 2, "leading zeros"),
            ("{\"a\": {\"dtype\": \"U8\", \"shape\": [2.0], \"data_offsets\": [0, 2]}}", 2, "expected , or ]"),
            ("{\"a\": {\"dtype\": \"U8\", \"shape\": 2, \"data_offsets\": [0, 2]}}", 2, "expected ["),
            ("{\"a\": {\"dtype\": \"U8\", \"shape\": [2], \"data_offsets\": [0, 1, 2]}}", 2, "found 3"),
            ("{\"a\": {\"dtype\": \"U8\", \"shape\": [2]}}", 2, "expected dtype, shape and data_offsets"),
            ("{\"a\": {\"dtype\": \"U8\", \"dtype\": \"U8\", \"shape\": [2]}}", 2, "dtype is there twice"),
            (
                "{\"a\": {\"dtype\": \"U8\", \"shape\": [2], \"data_offsets\": [0, 2], \"x\": 1}}", 2,
                "x is not of the format"
            ),
            ("{\"a\": {\"dtype\": \"Q4\", \"shape\": [2], \"data_offsets\": [0, 2]}}", 2, "type Q4"),
            ("{\"a\": \(tensor), \"a\": \(tensor)}", 2, "a is there twice"),
            ("{\"\\u0061\": \(tensor), \"a\": \(tensor)}", 2, "a is there twice"),
            ("{\"__metadata__\": {\"k\": 1}}", 0, "quotation marks"),
            ("{\"__metadata__\": {\"k\": \"1\", \"k\": \"2\"}}", 0, "k twice"),
            ("{\"__metadata__\": \"k\"}", 0, "expected {"),
            ("[]", 0, "expected {"), ("{\"a\" 1}", 0, "expected :"), ("{\"a\": {}", 0, "expected dtype"),
            ("{\"a\": \(tensor)", 2, "expected , or }"), ("{} x", 0, "expected the end"), ("", 0, "expected {"),
            ("{\"a", 0, "ends in a text"), ("{\"a\\", 0, "ends in a text"), ("{\"\\x\": 1}", 0, "no such escape"),
            ("{\"\\u12g4\": 1}", 0, "four hexadecimal"), ("{\"\\ud800\": 1}", 0, "half a character"),
            ("{\"\\udc00\": 1}", 0, "half a character"), ("{\"\\ud800\\u0061\": 1}", 0, "half a character"),
            ("{\"a\u{1}\": 1}", 0, "control character"),
        ])
    func headers(text: String, dataCount: Int, word: String) {
        #expect {
            try SafetensorsHeader(
                SampleModel.safetensors(text, [UInt8](repeating: 0, count: dataCount)), named: "file")
        } throws: { error in
            #expect("\(error)".contains(word), "\(error)")
            return error is ModelError
        }
    }

    @Test("Lengths of the header that are absurd, cut, or not there")
    func headerLengths() {
        refuse(.oversized, ["the limit"], SampleModel.little(UInt64.max) + [0])
        refuse(.oversized, ["16777217 bytes"], SampleModel.little(UInt64(16 << 20 + 1)))
        refuse(.damaged, ["the file ends at byte 9"], SampleModel.little(UInt64(2)) + [0x7B])
        refuse(.damaged, ["takes 8 bytes", "has 7"], [UInt8](repeating: 0, count: 7))
        refuse(.damaged, ["not UTF-8"], SampleModel.little(UInt64(5)) + [0x7B, 0x22, 0xFF, 0x22, 0x7D])
    }

    @Test("Blanks, escapes, empty tensors, numbers alone and the order of tensors are as the format allows")
    func allowed() throws {
        let text = """
            { "b\\u00e9\\ud83d\\ude00\\n" : { "data_offsets" : [ 4 , 12 ] , "dtype" : "F64" , "shape" : [ ] } ,
              "a": {"dtype": "F32", "shape": [1, 1], "data_offsets": [0, 4]},
              "n": {"dtype": "F32", "shape": [0, 7], "data_offsets": [4, 4]}, "__metadata__": {} }\u{20}\u{20}
            """
        let header = try SafetensorsHeader(
            SampleModel.safetensors(text, [UInt8](repeating: 0, count: 12)), named: "file")
        let start = 8 + text.utf8.count
        #expect(header.entries.map(\.name) == ["a", "n", "bé😀\n"])
        #expect(header.entries.map(\.shape) == [[1, 1], [0, 7], []])
        #expect(header.entries.map(\.bytes) == [start..<start + 4, start + 4..<start + 4, start + 4..<start + 12])
        #expect(try SafetensorsHeader(SampleModel.safetensors("{}"), named: "file").entries.isEmpty)
    }
}
