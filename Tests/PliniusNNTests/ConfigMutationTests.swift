import PliniusNN
import Testing

/// A configuration comes from a host that nobody trusts: whatever it says, it is read or refused.
@Suite struct ConfigMutationTests {
    private static let rounds = 5_000

    @Test func `No mutation traps, and what is accepted is within bounds`() {
        var random = Mutations(seed: 0x706C_696E)
        var accepted = 0
        for round in 0..<Self.rounds {
            guard let network = try? parse(random.mutated(round % 3 == 0 ? graph : everything)) else { continue }
            accepted += 1
            let sizes = network.layers.map(\.output.count) + [network.input.count]
            let isSound =
                sizes.allSatisfy { $0 >= 1 && $0 <= 1 << 31 } && network.layout.floatCount <= 1 << 31
                && network.options.batch % network.options.subdivisions == 0
                && network.layout.tensors.allSatisfy {
                    $0.count >= 1 && $0.offset + $0.count <= network.layout.floatCount
                }
                && network.options.learningRate(atUpdate: 1, seed: 1).isFinite
            guard isSound else {
                Issue.record("out of bounds: \(network)")
                return
            }
            _ = network.canonicalBytes
            _ = network.layoutBytes
        }
        // Neither all nor none: the mutations reach into the parser.
        #expect(accepted > Self.rounds / 100 && accepted < Self.rounds * 9 / 10)
    }

    @Test func `Bytes of any kind are refused or read`() {
        var random = Mutations(seed: 7)
        for length in 0..<2_000 {
            let bytes = (0..<length % 400).map { _ in random.byte() }
            _ = try? parse(String(decoding: bytes, as: UTF8.self))
            _ = try? parse("[net]\n" + String(decoding: bytes, as: UTF8.self))
        }
        for mark in ["\u{301}", "\u{200D}", "\0", "🧮", "[", "=", "#", "]="] {
            _ = try? parse(String(repeating: mark, count: 10_000))
            _ = try? parse("[net]\nbatch\(mark)=\(mark)1\n[\(mark)]\n\(mark)")
        }
    }
}

/// Changes to a text that a seed decides.
private struct Mutations {
    private let stream: RandomStream
    private var position: UInt64 = 0

    init(seed: UInt64) { stream = RandomStream(seed: seed, purpose: .sampling) }

    private mutating func below(_ bound: Int) -> Int {
        position += 1
        return Int(stream.block(position).x) % max(1, bound)
    }

    mutating func byte() -> UInt8 { UInt8(below(256)) }

    private static let values = [
        "0", "1", "-1", "2", "3", "7", "1024", "65536", "1000000", "2147483647", "2147483648", "9223372036854775807",
        "-9223372036854775808", "99999999999999999999", "1e38", "1e-45", "-0", "nan", "inf", ".5", "0x10", "", "1,2,3",
        "-1,-1,0,0,1,1", "-1,0,-1",
        "poly",
        "exp", "step", "sigmoid", "random", "leaky", "stair",
    ]
    private static let keys = [
        "batch", "subdivisions", "height", "width", "channels", "inputs", "filters", "size", "stride", "pad", "padding",
        "groups", "output", "steps", "scales", "step", "scale", "gamma", "policy", "burn_in", "power", "max_batches",
        "probability", "temperature", "learning_rate", "binary", "xnor", "spatial", "tree", "time_steps",
        "hidden_filters", "adam", "B1", "eps", "clip",
    ]
    private static let sections = [
        "[net]", "[conv]", "[connected]", "[maxpool]", "[avgpool]", "[dropout]", "[softmax]", "[cost]", "[yolo]", "[",
        "[batchnorm]", "[local]", "[deconv]", "[lrn]", "[l2norm]", "[logistic]",
        "[rnn]", "[gru]", "[lstm]", "[crnn]",
        "[region]", "[detection]", "[iseg]",
    ]

    mutating func mutated(_ text: String) -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        for _ in 0...below(3) {
            let place = below(lines.count)
            switch below(8) {
            case 0: lines.remove(at: place)
            case 1: lines.insert(lines[below(lines.count)], at: place)
            case 2: lines.swapAt(place, below(lines.count))
            case 3:
                lines.insert("\(Self.keys[below(Self.keys.count)])=\(Self.values[below(Self.values.count)])", at: place)
            case 4: lines.insert(Self.sections[below(Self.sections.count)], at: place)
            case 5:
                var bytes = Array(lines[place].utf8)
                if !bytes.isEmpty { bytes[below(bytes.count)] = byte() }
                lines[place] = String(decoding: bytes, as: UTF8.self)
            default:
                guard let sign = lines[place].firstIndex(of: "=") else { continue }
                lines[place] = lines[place][...sign] + Self.values[below(Self.values.count)]
            }
        }
        return lines.joined(separator: "\n")
    }
}
