import PliniusNN
import Testing

/// What sections of `[yolo]`, `[region]`, `[detection]` and `[iseg]` mean, and what is refused.
@Suite struct HeadConfigTests {
    /// Lines 1 to 7; the head begins on line 8.
    private static func net(_ channels: Int, size: String = "height=4\nwidth=6") -> String {
        "[net]\n\(size)\nchannels=2\n[conv]\nsize=1\nfilters=\(channels)\n"
    }

    @Test(arguments: [
        (
            25, "[yolo]",
            "boxes 20 [\"0.5x0.5\"] 6.0 4.0 [0] 90 0.5 1.0 false false false true 1.0 1.0 1.0 1.0 - false", 450
        ),
        (
            14,
            "[yolo]\nclasses=2\nnum=3\nanchors= 1,2,  3,4,  5,6\nmask = 2,0\nmax=30\nignore_thresh=.7\ntruth_thresh=.9\n"
                + "jitter=.3\nrandom=1",
            "boxes 2 [\"1.0x2.0\", \"3.0x4.0\", \"5.0x6.0\"] 6.0 4.0 [2, 0] 30 0.7 0.9 false false false true 1.0 1.0 1.0 "
                + "1.0 0.3 true", 150
        ),
        (
            25, "[region]",
            "boxes 20 [\"0.5x0.5\"] 6.0 4.0 [0] 30 0.5 1.0 false false false false 1.0 1.0 1.0 1.0 - false", 150
        ),
        (
            12,
            "[region]\nclasses=1\ncoords=4\nnum=2\nanchors=1,2,3,4\nsoftmax=1\nbackground=1\nmax=5\njitter=0\nrescore=1\n"
                + "thresh=.6\nbias_match=1\ncoord_scale=2\nobject_scale=3\nnoobject_scale=4\nclass_scale=5\nrandom=1",
            "boxes 1 [\"1.0x2.0\", \"3.0x4.0\"] 6.0 4.0 [0, 1] 5 0.6 1.0 true true true true 2.0 3.0 4.0 5.0 0.0 true",
            25
        ),
        (
            25, "[detection]\nside=2\nclasses=6\nnum=4\ncoords=4\n\(String(repeating: " ", count: 3))",
            "grid 6 2 4 false false false false false 1.0 1.0 1.0 1.0 -", 44
        ),
        (
            7,
            "[detection]\nside=2\nclasses=2\nnum=8\nsoftmax=1\nsqrt=1\nrescore=1\nforced=1\nrandom=1\ncoord_scale=2\n"
                + "object_scale=3\nnoobject_scale=4\nclass_scale=5\njitter=.1",
            "grid 2 2 8 true true true true true 2.0 3.0 4.0 5.0 0.1", 28
        ),
        (52, "[iseg]", "masks 20 32", 90 * 25), (5, "[iseg]\nclasses=3\nids=2", "masks 3 2", 90 * 25),
    ])
    func `A section means`(channels: Int, text: String, expected: String, truth: Int) throws {
        let isGrid = text.hasPrefix("[detection]")
        let inputs = isGrid ? (expected.hasPrefix("grid 6") ? 104 : 168) : 0
        let net = isGrid ? "[net]\nheight=2\nwidth=3\nchannels=1\n[connected]\noutput=\(inputs)\n" : Self.net(channels)
        let network = try parse(net + text)
        #expect(summary(network.layers[1]) == expected)
        #expect(network.layers[1].output == network.layers[1].input)
        #expect(network.truthCount == truth)
        #expect(network.warnings.isEmpty == (isGrid || !text.contains("random=1")))
    }

    @Test(arguments: [
        (7, "[yolo]\nclasses=2\nnum=2", "8: expected 2 anchors x (5 + 2 classes) = 14 input channels, found 7"),
        (7, "[yolo]\nclasses=2\nnum=2\nmask=2", "11: mask: expected 0 to 1, found 2"),
        (14, "[yolo]\nclasses=2\nnum=2\nmask=1,1", "11: mask: expected each anchor once"),
        (
            14, "[yolo]\nclasses=2\nnum=2\nanchors=1,2,3",
            "11: anchors: expected width and height for each of num=2 anchors, found 3 numbers"
        ),
        (7, "[yolo]\nclasses=2\nanchors=0,1", "10: anchors: expected 1e-06 to 1000000.0, found 0.0"),
        (7, "[yolo]\nclasses=2\nanchors=1,x", "10: anchors: expected a number, found \"x\""),
        (7, "[yolo]\nclasses=0", "9: classes: expected 1 to 65536, found 0"),
        (7, "[yolo]\nnum=0", "9: num: expected 1 to 1024, found 0"),
        (7, "[yolo]\nmax=0", "9: max: expected 1 to 10000, found 0"),
        (7, "[yolo]\nignore_thresh=1.5", "9: ignore_thresh: expected 0.0 to 1.0, found 1.5"),
        (
            7, "[yolo]\nclasses=2\nmap=coco.map",
            "10: map: classes have their numbers from the sealed data set: expected 0 or no such line, found \"coco.map\""
        ),
        (
            7, "[region]\nclasses=2\ntree=9k.tree",
            "10: tree: expected the parent of each class, -1 where there is none, divided by commas: expected a whole "
                + "number, found \"9k.tree\""
        ),
        (
            8, "[region]\nclasses=3\ntree=-1,-1",
            "10: tree: expected a parent for each of 3 classes, and no background; found 2"
        ),
        (
            8, "[region]\nclasses=3\nbackground=1\ntree=-1,-1,0",
            "11: tree: expected a parent for each of 3 classes, and no background; found 3 and a background"
        ),
        (7, "[region]\nclasses=2\ncoords=8", "10: coords: expected 4 (x, y, w, h), found 8"),
        (7, "[region]\nclasses=2\nobject_scale=-1", "10: object_scale: expected 0.0 to 1000000.0, found -1.0"),
        (7, "[region]\nclasses=3", "8: expected 1 anchors x (5 + 3 classes) = 8 input channels, found 7"),
        (7, "[detection]\ncoords=1", "9: coords: expected 4 (x, y, w, h), found 1"),
        (
            7, "[detection]\nside=5\nclasses=3\nnum=2",
            "8: expected 5x5 cells x (3 classes + 2 boxes x 5) = 325 inputs, found 168"
        ),
        (
            12, "[detection]\nside=4\nclasses=8\nnum=2\nreorg=1",
            "12: reorg: is not supported yet: expected 0 or no such line, found \"1\""
        ),
        (7, "[iseg]\nclasses=4\nids=4", "8: expected 4 classes + 4 ids = 8 input channels, found 7"),
        // What follows.
        (
            6, "[yolo]\nclasses=1\n[conv]",
            "10: reads the layer of line 8, whose predictions no layer takes up"
        ),
    ])
    func `A fault is told with its place`(channels: Int, text: String, message: String) {
        #expect(refusal(of: Self.net(channels) + text) == "net.cfg:\(message)")
    }

    @Test func `The truth of a mini-batch is bounded`() {
        let text =
            "[net]\nbatch=64\nheight=2000\nwidth=2000\nchannels=1\n[maxpool]\nstride=2\n[conv]\nsize=1\nfilters=2\n[iseg]\n"
            + "classes=1\nids=1"
        #expect(
            refusal(of: text) == "net.cfg:11: the truth of a mini-batch takes more than 2147483648 numbers")
    }

    @Test(
        arguments: [
            ("[yolo]\nclasses=2", 21), ("[region]\nclasses=2", 20), ("[detection]\nclasses=9\nnum=3\nside=2\n", 22),
            ("[iseg]\nclasses=3\nids=1", 23),
        ] as [(String, UInt8)])
    func `A kind has its number in a run's identity`(text: String, code: UInt8) throws {
        let channels = ["[iseg]": 4, "[detec": 24][text.prefix(6)] ?? 7
        let net =
            code == 22 ? "[net]\nheight=2\nwidth=2\nchannels=24\n" : "[net]\nheight=4\nwidth=6\nchannels=\(channels)\n"
        let plain = try parse(net + "[avgpool]").canonicalBytes
        let other = try parse(net + text).canonicalBytes
        let place = plain.count - 6
        #expect(plain[place] == 4 && other[place] == code)
        #expect(other.prefix(place) == plain.prefix(place))
    }

    @Test func `Every option counts in a run's identity`() throws {
        let net = "[net]\nheight=2\nwidth=2\nchannels=24\n"
        let heads: [(String, [String])] = [
            (
                "[yolo]\nclasses=7\nnum=2\nanchors=1,2,3,4\n",
                ["mask=1,0", "max=9", "ignore_thresh=.4", "truth_thresh=.4", "jitter=.4", "random=1"]
            ),
            (
                "[region]\nclasses=7\nnum=2\nanchors=1,2,3,4\n",
                [
                    "max=9", "thresh=.4", "jitter=.4", "random=1", "softmax=1", "background=1", "rescore=1",
                    "bias_match=1", "coord_scale=2", "object_scale=2", "noobject_scale=2", "class_scale=2",
                ]
            ),
            (
                "[detection]\nclasses=9\nside=2\nnum=3\n",
                [
                    "jitter=.4", "random=1", "softmax=1", "sqrt=1", "rescore=1", "forced=1", "coord_scale=2",
                    "object_scale=2", "noobject_scale=2", "class_scale=2",
                ]
            ),
        ]
        for (head, options) in heads {
            let texts = [""] + options + (head.contains("yolo") || head.contains("region") ? ["classes"] : [])
            let identities = try texts.map { option in
                let text = option == "classes" ? head.replacing("1,2,3,4", with: "1,2,3,5") : head + option
                return try parse(net + text).canonicalBytes
            }
            #expect(Set(identities).count == texts.count)
        }
    }

    @Test func `All losses learn from one kind of truth`() {
        // 30 predictions, and a list of boxes of 30 numbers: alike in number only.
        let net = "[net]\nheight=5\nwidth=1\nchannels=6\n[softmax]\n"
        #expect(
            refusal(of: net + "[yolo]\nclasses=1\nmax=6")
                == "net.cfg:5: a loss over 30 values, but a loss on line 6 is over up to 6 boxes")
    }
}
