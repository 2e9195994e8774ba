import PliniusNN
import Testing

extension ReferenceGradientTests {
    /// Layers that read several others, and others that are read several times.
    static let graphs: [Case] = [
        Case(
            description: "route of three, one of them twice, and the next layer reads one too",
            layers: conv(3) + conv(2) + conv(4) + "[route]\nlayers=-1,0,-2,0\n" + conv(2)),
        Case(
            description: "route of one layer far behind", layers: conv(3) + conv(2) + "[route]\nlayers=-2\n" + conv(2)),
        Case(
            description: "route to the network's input",
            layers: conv(3) + "[route]\nlayers=-2,-1\n" + conv(2) + "[shortcut]\nfrom=-4\nactivation=tanh\n" + conv(2)),
        Case(
            description: "route of a group of channels", net: "batch=9\nheight=3\nwidth=2\nchannels=2",
            layers: conv(4) + "[route]\nlayers=-1\ngroups=2\ngroup_id=1\n" + conv(2) + "[route]\nlayers=-1,0\n"
                + conv(3)),
        Case(
            description: "a group of channels alone is read",
            layers: conv(3) + conv(4) + "[route]\nlayers=-1\ngroups=2\ngroup_id=1\n" + conv(2)),
        Case(
            description: "route of images of different sizes",
            layers: conv(3)
                + "[maxpool]\nsize=2\nstride=2\n[route]\nlayers=0,-1\n[connected]\noutput=3\nactivation=linear\n"),
        Case(
            description: "shortcut", net: "batch=11\nheight=3\nwidth=4\nchannels=2",
            layers: conv(3) + conv(3) + "[shortcut]\nfrom=-2\nactivation=logistic\n" + conv(2)),
        Case(
            description: "shortcut with factors",
            layers: conv(3) + conv(3) + "[shortcut]\nfrom=0\nactivation=tanh\nalpha=.5\nbeta=-2\n" + conv(2)),
        Case(
            description: "shortcut to more channels of a larger image", net: "batch=3\nheight=6\nwidth=4\nchannels=2",
            layers: conv(5) + "[maxpool]\nsize=2\nstride=2\n" + conv(3) + "[shortcut]\nfrom=0\nalpha=.7\nbeta=1.5\n"
                + conv(2)),
        Case(
            description: "shortcut to fewer channels of a smaller image", net: "batch=3\nheight=6\nwidth=4\nchannels=2",
            layers: conv(3) + "[maxpool]\nsize=2\nstride=2\n" + conv(2) + "[route]\nlayers=0\n"
                + "[shortcut]\nfrom=-2\nactivation=elu\nalpha=.7\nbeta=1.5\n" + conv(2)),
        Case(
            description: "shortcut to the layer before",
            layers: conv(3) + "[shortcut]\nfrom=-1\nalpha=.5\nactivation=tanh\n" + conv(2)),
        Case(
            description: "two convolutions, two poolings, a dropout and a shortcut read one layer",
            net: "batch=9\nheight=4\nwidth=4\nchannels=2",
            layers: conv(3) + "[maxpool]\nsize=2\nstride=1\n" + "[route]\nlayers=0\n[maxpool]\nsize=3\nstride=1\n"
                + "[route]\nlayers=0\n[dropout]\n" + "[route]\nlayers=0\n" + conv(3) + "[shortcut]\nfrom=0\n"
                + "[shortcut]\nfrom=1\n[shortcut]\nfrom=3\n[shortcut]\nfrom=5\nactivation=tanh\n" + conv(2)),
        Case(
            description: "a branch that nobody reads, and a loss in the middle",
            layers: conv(3) + "[conv]\nfilters=2\nsize=2\nactivation=linear\n[cost]\n[route]\nlayers=0\n" + conv(5)
                + "[route]\nlayers=1\n[cost]\ntype=sse", share: 1),
        Case(
            description: "two losses on one layer",
            layers: linear(2) + "[avgpool]\n[softmax]\n[route]\nlayers=-2\n[softmax]\ntemperature=2", share: 2),
        Case(description: "smoothed cost", layers: conv(2) + "[cost]\ntype=smooth\nsmooth=.3"),
        Case(
            description: "activation",
            layers: linear(3) + "[activation]\nactivation=tanh\n[shortcut]\nfrom=-2\n" + conv(2)),
        Case(
            description: "upsample", net: "batch=3\nheight=3\nwidth=2\nchannels=2",
            layers: conv(3) + "[upsample]\nstride=3\nscale=.5\n" + conv(2)),
        Case(
            description: "upsample the other way", net: "batch=9\nheight=4\nwidth=6\nchannels=2",
            layers: conv(3) + "[upsample]\nstride=-2\nscale=.5\n" + conv(2)
                + "[route]\nlayers=0\n[upsample]\nstride=-2\n"
                + "[shortcut]\nfrom=-3\nactivation=tanh\n[shortcut]\nfrom=1\n" + conv(2)),
        Case(
            description: "reorg", net: "batch=9\nheight=4\nwidth=6\nchannels=2",
            layers: conv(4) + "[reorg]\nstride=2\n" + conv(4) + "[reorg]\nstride=2\nreverse=1\n[route]\nlayers=-1,0\n"
                + conv(2)),
        Case(
            description: "reorg that flattens, and adds zeros",
            layers: conv(3) + "[reorg]\nflatten=1\n[reorg]\nflatten=1\nreverse=1\n[activation]\nactivation=tanh\n"
                + "[reorg]\nflatten=1\n" + conv(2)
                + "[reorg]\nextra=2\n[connected]\noutput=3\nactivation=linear\n"),
        Case(
            description: "crop", net: "batch=9\nheight=5\nwidth=6\nchannels=2",
            layers: conv(3) + "[crop]\ncrop_height=3\ncrop_width=4\nflip=1\n" + conv(2) + "[route]\nlayers=0\n"
                + "[crop]\ncrop_height=3\ncrop_width=4\nnoadjust=1\n[route]\nlayers=-1,2\n" + conv(2)),
        Case(
            description: "a bottleneck with normalisation", net: "batch=9\nheight=4\nwidth=4\nchannels=2",
            layers: conv(4) + "[conv]\nfilters=2\nsize=1\nbatch_normalize=1\nactivation=leaky\n"
                + "[conv]\nfilters=4\nsize=3\npad=1\nbatch_normalize=1\nactivation=linear\n"
                + "[shortcut]\nfrom=-3\nactivation=leaky\n[avgpool]\n[softmax]", share: 1),
    ]

    private static func conv(_ filters: Int) -> String {
        "[conv]\nfilters=\(filters)\nsize=3\npad=1\nactivation=tanh\n"
    }

    @Test func `Backward ends at a layer that stops it, whatever leads around it`() throws {
        let text = """
            [net]
            batch=2
            inputs=3
            [connected]
            output=3
            [connected]
            output=3
            stopbackward=1
            [shortcut]
            from=0
            [connected]
            output=2
            activation=linear
            [cost]
            """
        let shadow = try Shadow(text)
        shadow.loadNoise()
        let pass = Pass(mode: .training)
        _ = shadow.network.forward(pass)
        shadow.network.backward(pass)
        #expect(shadow[0, .weightMomentum].allSatisfy { $0 == 0 })
        #expect(shadow[1, .weightMomentum].allSatisfy { $0 == 0 })
        #expect(shadow[3, .weightMomentum].allSatisfy { $0 != 0 })
    }

    @Test func `Any number of workers gives the same bits`() throws {
        let net = "[net]\nbatch=9\nheight=6\nwidth=4\nchannels=2\n"
        for network in Self.graphs {
            let text = net + network.layers + (network.share == 0.5 ? "\n[cost]\n" : "\n")
            let states = try (1...3).map { threads in
                let shadow = try Shadow(text, threads: threads)
                shadow.loadNoise()
                let pass = Pass(mode: .training, seed: 3)
                _ = shadow.network.forward(pass)
                shadow.network.backward(pass)
                return Array(shadow.state)
            }
            #expect(states[0] == states[1] && states[0] == states[2], "\(network)")
        }
    }
}

/// Where deltas lie.
@Suite struct DeltaPlanTests {
    private func step(
        _ sources: Int..., count: Int = 1, learns: Bool = true, adds: Bool = false, inPlace: Bool = false
    ) -> DeltaPlan.Step {
        DeltaPlan.Step(
            sources: sources, count: count, learns: learns, addsDeltas: adds, keepsDeltaInPlace: inPlace)
    }

    @Test func `A chain takes two regions in turn, and what works in place takes none`() {
        let plan = DeltaPlan([
            step(-1, count: 5), step(0, count: 7), step(1, count: 3, learns: false, inPlace: true), step(2, count: 9),
            step(3, count: 2),
        ])
        #expect(plan.regions == [7, 9])
        #expect(plan.places.map { $0?.delta } == [1, 0, 0, 1, 0])
        #expect(plan.places.map { $0?.isWritten } == [true, true, true, true, false])
        #expect(plan.places[0]?.targets.count == 1 && plan.places[0]?.targets[0] == nil)
        #expect(plan.places.dropFirst().allSatisfy { $0?.targets[0]?.adds == false && $0?.targets[0]?.total == nil })
    }

    @Test func `Below the first layer that learns, and below a stop, there is nothing`() {
        let chain = [step(-1, learns: false), step(0), step(1), step(2, learns: false), step(3)]
        #expect(DeltaPlan(chain).places.map { $0 != nil } == [false, true, true, true, true])
        #expect(DeltaPlan(chain, from: 3).places.map { $0 != nil } == [false, false, false, false, true])
        #expect(DeltaPlan(chain, from: 5).regions == [])
    }

    @Test func `The last reader writes, the others add by themselves or by way of another region`() throws {
        let plan = DeltaPlan([
            step(-1, count: 4), step(0), step(0, inPlace: true), step(0, 1, 2, adds: true), step(0, 3, adds: true),
        ])
        let targets = plan.places.map { $0?.targets.map { $0?.adds } }
        #expect(targets == [[nil], [false], [false], [true, false, false], [false, false]])
        let total = try #require(plan.places[0]).delta
        #expect(try #require(plan.places[1]?.targets[0]).total == total)
        #expect(try #require(plan.places[1]?.targets[0]).region != total)
        let inPlace = try #require(plan.places[2])
        #expect(inPlace.targets[0]?.region == inPlace.delta && inPlace.targets[0]?.total == total)
        #expect(plan.regions[total] >= 4)
    }

    @Test func `A sum leaves one of its sources the memory of its own delta`() throws {
        // What is added up is read by nobody else, by an earlier step, or twice.
        for (sources, own) in [([0, 1], 1), ([1, 0], 1), ([1, 1], nil), ([1], 0)] as [([Int], Int?)] {
            let sum = DeltaPlan.Step(
                sources: sources, count: 4, learns: false, addsDeltas: true, keepsDeltaInPlace: true)
            let plan = DeltaPlan([step(-1, count: 4), step(0, count: 4, adds: true), sum])
            let place = try #require(plan.places[2])
            #expect(place.targets.map { $0?.region == place.delta } == sources.indices.map { $0 == own })
            #expect(plan.regions.count == 2)
        }
    }

    /// Lets random graphs go backward in one number per region: each delta must be the sum over all paths.
    @Test func `No region is used for two things at once`() {
        for seed in 0..<300 as Range<UInt64> {
            func draw(_ index: Int, _ bound: Int) -> Int { Int((noise(index, seed: seed) + 1) / 2 * Double(bound)) }
            let count = 2 + draw(0, 12)
            let steps = (0..<count).map { index in
                let sources = (0...draw(100 + index, 3)).map { draw(1000 + index * 10 + $0, index + 1) - 1 }
                let adds = sources.count > 1 || draw(200 + index, 2) == 0
                return DeltaPlan.Step(
                    sources: sources, count: 1, learns: draw(300 + index, 2) == 0, addsDeltas: adds,
                    keepsDeltaInPlace: draw(400 + index, 2) == 0)
            }
            let first = draw(1, 3)
            let plan = DeltaPlan(steps, from: first)
            // A step's delta is one more than what comes from above, so that nobody's is lost.
            var expected = [Int](repeating: 0, count: count)
            for index in steps.indices.reversed() {
                expected[index] += 1
                for source in steps[index].sources where source >= 0 { expected[source] += expected[index] }
            }
            var regions = [Int](repeating: -1_000_000, count: plan.regions.count)
            for index in steps.indices.reversed() {
                guard let place = plan.places[index] else { continue }
                if !place.isWritten { regions[place.delta] = 0 }
                let delta = regions[place.delta] + 1
                let inPlace = place.targets.compactMap(\.self).filter { $0.region == place.delta }
                #expect(inPlace.count <= (steps[index].keepsDeltaInPlace ? 1 : 0) && inPlace.allSatisfy { !$0.adds })
                #expect(delta == expected[index], "graph \(seed), step \(index)")
                for target in place.targets.compactMap(\.self) {
                    regions[target.region] = target.adds ? regions[target.region] + delta : delta
                    if let total = target.total { regions[total] += regions[target.region] }
                }
            }
        }
    }
}
