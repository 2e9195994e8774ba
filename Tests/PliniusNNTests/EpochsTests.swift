import PliniusNN
import Testing

/// When epochs end, and when a model is validated.
@Suite struct EpochsTests {
    /// (images, images per batch, time steps).
    private static let sizes = [
        (96, 16, 1), (100, 16, 1), (1, 1, 1), (7, 3, 1), (5, 16, 1), (16, 5, 1), (103, 20, 5), (17, 8, 4),
        (60_000, 128, 1),
    ]

    /// The same by counting image after image.
    private func counted(_ size: (Int, Int, Int), updates: Int) -> (completed: [UInt64], numbers: [UInt64]) {
        let (whole, batch) = (size.0 / size.2, size.1 / size.2)
        var (place, epoch) = (0, UInt64(0))
        var (completed, numbers) = ([UInt64(0)], [UInt64(1)])
        for _ in 0..<updates {
            var number = epoch
            for _ in 0..<batch {
                number = epoch + 1
                place += 1
                if place == whole { (place, epoch) = (0, epoch + 1) }
            }
            completed.append(epoch)
            numbers.append(number)
        }
        return (completed, numbers)
    }

    @Test(arguments: sizes) func `Epochs are what counting the images gives`(size: (Int, Int, Int)) {
        let epochs = Epochs(count: size.0, batch: size.1, timeSteps: size.2)
        let expected = counted(size, updates: 1200)
        for update in 0...1200 {
            #expect(epochs.completed(after: UInt64(update)) == expected.completed[update], "\(update)")
            #expect(epochs.number(at: UInt64(update)) == expected.numbers[update], "\(update)")
        }
        for number in UInt64(0)...20 {
            guard let first = expected.completed.firstIndex(where: { $0 >= number }) else { continue }
            #expect(epochs.updates(for: number) == UInt64(first), "\(number)")
        }
    }

    @Test func `More epochs than can be counted are none`() {
        let epochs = Epochs(count: 3, batch: 1)
        #expect(epochs.updates(for: UInt64.max / 3) == UInt64.max)
        #expect(epochs.updates(for: UInt64.max / 3 + 1) == nil)
    }

    @Test func `Data that are shorter than a sequence count as one`() {
        #expect(Epochs(count: 3, batch: 8, timeSteps: 4).completed(after: 1) == 2)
    }

    @Test(arguments: sizes) func `A model is validated once where an epoch ends`(size: (Int, Int, Int)) {
        let epochs = Epochs(count: size.0, batch: size.1, timeSteps: size.2)
        let schedule = ValidationSchedule(every: nil, epochs: epochs)
        let completed = counted(size, updates: 1200).completed
        var count: UInt64 = 0
        for update in 1...1200 {
            let isDue = completed[update] > completed[update - 1]
            if isDue { count += 1 }
            #expect(schedule.isDue(after: UInt64(update)) == isDue, "\(update)")
            #expect(schedule.count(upTo: UInt64(update)) == count, "\(update)")
        }
        #expect(!schedule.isDue(after: 0))
    }

    @Test func `Or after every so many updates`() {
        let schedule = ValidationSchedule(every: 3, epochs: Epochs(count: 100, batch: 1))
        #expect((0...10).filter { schedule.isDue(after: $0) } == [3, 6, 9])
        #expect((0...10).map { schedule.count(upTo: $0) } == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3])
    }
}
