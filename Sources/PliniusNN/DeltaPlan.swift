/// Where deltas lie while backward walks through a graph: a few regions of memory, each used again and again.
///
/// Several steps may read what one has made. The last of them in order writes that step's delta, the others add to it. A
/// region is free again once its step has been backward: a chain takes two, in turn.
package struct DeltaPlan {
    /// A layer, or part of one, as far as its deltas go.
    package struct Step {
        /// The steps that it reads; -1 is the network's input.
        package let sources: [Int]
        /// Length of its output.
        package let count: Int
        /// Whether it has parameters that learn.
        let learns: Bool
        /// Whether it can add to what is there already; otherwise it writes elsewhere first.
        let addsDeltas: Bool
        /// Whether it turns its output's delta into that of an input in the same memory, after it has told the others, to which it adds.
        package let keepsDeltaInPlace: Bool

        package init(sources: [Int], count: Int, learns: Bool, addsDeltas: Bool, keepsDeltaInPlace: Bool = false) {
            self.sources = sources
            self.count = count
            self.learns = learns
            self.addsDeltas = addsDeltas
            self.keepsDeltaInPlace = keepsDeltaInPlace
        }
    }

    /// What a step does about one of its sources.
    package struct Target {
        /// The region that it writes.
        package var region: Int
        /// Whether a later step has written there, so that this one adds.
        package var adds = false
        /// The region to which what it wrote must be added afterwards.
        package var total: Int?
    }

    /// What happens to a step that backward reaches.
    package struct Place {
        /// The region of its output's delta.
        package var delta: Int
        /// Whether a later step writes that delta; otherwise it is zero.
        package var isWritten: Bool
        /// One for each source; nil where nobody asks.
        package var targets: [Target?]
    }

    /// One for each step; nil where backward does not come.
    package private(set) var places: [Place?]
    /// Length of each region.
    package private(set) var regions: [Int] = []

    /// Plans the deltas of steps in the order of forward.
    /// - Parameters:
    ///   - first: the first step that may learn.
    ///   - apart: whether no region is used again, because whoever has the memory lets all that it holds take turns.
    package init(_ steps: [Step], from first: Int = 0, apart: Bool = false) {
        let isReached = Self.reached(steps, from: first)
        var deltas = [Int?](repeating: nil, count: steps.count)
        var free: [Bool] = []
        places = Array(repeating: nil, count: steps.count)
        for index in steps.indices.reversed() where isReached[index] {
            let step = steps[index]
            let isWritten = deltas[index] != nil
            let delta = deltas[index] ?? take(step.count, &free)
            var done = [delta]
            var targets: [Target?] = []
            let inPlace =
                step.keepsDeltaInPlace
                ? step.sources.lastIndex { $0 >= 0 && isReached[$0] && deltas[$0] == nil } : nil
            for (position, source) in step.sources.enumerated() {
                guard source >= 0, isReached[source] else {
                    targets.append(nil)
                    continue
                }
                if let total = deltas[source] {
                    if step.addsDeltas {
                        targets.append(Target(region: total, adds: true))
                    } else if step.keepsDeltaInPlace {
                        targets.append(Target(region: delta, total: total))
                    } else {
                        let part = take(steps[source].count, &free)
                        done.append(part)
                        targets.append(Target(region: part, total: total))
                    }
                    continue
                }
                var region = delta
                if position == inPlace {
                    regions[delta] = max(regions[delta], steps[source].count)
                    done.removeAll { $0 == delta }
                } else {
                    region = take(steps[source].count, &free)
                }
                deltas[source] = region
                targets.append(Target(region: region))
            }
            if !apart { for region in done { free[region] = true } }
            places[index] = Place(delta: delta, isWritten: isWritten, targets: targets)
        }
    }

    /// Which steps backward reaches: those that learn, and those through which their deltas come.
    package static func reached(_ steps: [Step], from first: Int) -> [Bool] {
        var isReached: [Bool] = []
        for (index, step) in steps.enumerated() {
            let passesOn = step.sources.contains { $0 >= 0 && isReached[$0] }
            isReached.append(passesOn || step.learns && index >= first)
        }
        return isReached
    }

    private mutating func take(_ count: Int, _ free: inout [Bool]) -> Int {
        guard let region = free.firstIndex(of: true) else {
            regions.append(count)
            free.append(false)
            return regions.count - 1
        }
        free[region] = false
        regions[region] = max(regions[region], count)
        return region
    }
}
