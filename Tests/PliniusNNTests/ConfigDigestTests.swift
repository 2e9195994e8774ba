import PliniusNN
import Testing

/// What makes two configurations the same run.
@Suite struct ConfigDigestTests {
    @Test func `Blanks, comments, line ends, order, defaults and idle keys do not count`() throws {
        let plain = try parse(everything)
        let lines = everything.split(separator: "\n", omittingEmptySubsequences: false)
        let dressed = [
            lines.joined(separator: "\r\n"),
            "\u{FEFF}" + everything,
            "; a note\n\n" + lines.map { "  \($0.replacing("=", with: " = "))\t # why" }.joined(separator: "\n"),
            everything.replacing("momentum=0.8\ndecay=0.002", with: "decay=2e-3\nmomentum=.80"),
            everything.replacing("[avgpool]", with: "[avg]").replacing("[conv]", with: "[convolutional]\nstride=1"),
            everything.replacing("[net]", with: "[net]\nangle=0\nflip=0\nhue=0\nexposure=1\nadam=0\nB1=.5\nclip=0"),
            everything.replacing("[net]", with: "[net]\nunheard=of"),
            everything.replacing("batch=12\n", with: "batch=12\nbatch=12\n"),
        ]
        for text in dressed {
            let network = try parse(text)
            #expect(network.canonicalBytes == plain.canonicalBytes)
            #expect(network.layoutBytes == plain.layoutBytes)
        }
    }

    @Test(arguments: [
        ("batch=12", "batch=24"), ("subdivisions=3", "subdivisions=4"), ("height=14", "height=13"),
        ("learning_rate=0.05", "learning_rate=0.051"), ("momentum=0.8", "momentum=0.9"), ("decay=0.002", "decay=0"),
        ("policy=steps", "policy=constant"), ("policy=steps", "policy=poly"), ("steps=100,250", "steps=100,251"),
        ("scales=.1,.5", "scales=.1,.4"), ("burn_in=10", "burn_in=11"), ("power=3", "power=4"),
        ("max_batches=400", "max_batches=401"), ("sampling=with-replacement", "sampling=epochs"),
        ("sampling=with-replacement", "sampling=twice"),
        ("activation=elu", "activation=selu"), ("learning_rate=.5", "learning_rate=.6"),
        ("stopbackward=1", "stopbackward=0"), ("probability=.25", "probability=.5"),
        ("temperature=1.5", "temperature=1"), ("groups=2\ntemperature", "groups=3\ntemperature"),
        ("type=smooth", "type=sse"), ("scale=2", "scale=1"), ("[avgpool]\n", "[avgpool]\n\n[avgpool]\n"),
        ("padding=1", "padding=2"), ("batch_normalize=1\n    activation=tanh", "activation=tanh"),
    ])
    func `Whatever changes the training counts`(line: String, other: String) throws {
        let changed = everything.replacing(line.replacing("    ", with: ""), with: other)
        #expect(changed != everything)
        #expect(try parse(changed).canonicalBytes != parse(everything).canonicalBytes)
    }

    @Test(arguments: [
        ("adam=1", "adam=0"), ("adam=1", "adam=1\nB1=.8"), ("adam=1", "adam=1\nB2=.99"), ("adam=1", "adam=1\neps=1e-6"),
        ("clip=.5", "clip=.25"), ("clip=.5", "clip=0"),
    ])
    func `The solver counts`(line: String, other: String) throws {
        let text = everything.replacing("[net]", with: "[net]\nadam=1\nclip=.5")
        let changed = text.replacing(line, with: other)
        #expect(changed != text)
        #expect(try parse(changed).canonicalBytes != parse(text).canonicalBytes)
        let spelled = text.replacing("adam=1", with: "adam=1\nB1=.9\nB2=.999\neps=1e-7")
        #expect(try parse(spelled).canonicalBytes == parse(text).canonicalBytes)
    }

    /// The bytes were put together by other means; a run of an old version goes on only if they stay.
    @Test func `Identities of runs from before are what they were`() throws {
        let network = try parse("[net]\nbatch=2\ninputs=3\n[connected]\noutput=2\n[softmax]")
        func sum(_ bytes: [UInt8]) -> UInt64 {
            bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        }
        #expect(sum(network.canonicalBytes) == 0xE83F9D19C241F136)
        #expect(sum(network.layoutBytes) == 0xC851B3F9C0DA0503)
    }

    @Test(arguments: [
        ("filters=8", "filters=10"), ("output=9", "output=8"), ("groups=2\nactivation", "activation"),
        ("[net]", "[net]\nadam=1"),
    ])
    func `Whatever changes the state's layout counts there too`(line: String, other: String) throws {
        let changed = everything.replacing(line, with: other)
        #expect(try parse(changed).layoutBytes != parse(everything).layoutBytes)
    }
}
