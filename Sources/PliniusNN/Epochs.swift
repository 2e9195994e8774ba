/// Where the epochs of a training end, counted in updates.
///
/// An epoch is as many sequences as the data set has, or images where there are no time steps. Batches follow each other through
/// the epochs without a gap, as ``BatchSampler`` draws them; drawn with replacement, an epoch is as many draws.
public struct Epochs: Hashable, Sendable {
    /// Sequences of an epoch, and of a batch.
    private let (whole, batch): (UInt64, UInt64)

    /// Counts for a network that learns from `count` images.
    public init(count: Int, for options: NetOptions) {
        self.init(count: count, batch: options.batch, timeSteps: options.timeSteps)
    }

    /// Counts over `count` images in batches of `batch` images.
    public init(count: Int, batch: Int, timeSteps: Int = 1) {
        // Data that are shorter than a sequence are refused before they are trained on.
        whole = UInt64(max(1, count / timeSteps))
        self.batch = UInt64(batch / timeSteps)
    }

    /// Epochs that are complete after so many updates.
    public func completed(after updates: UInt64) -> UInt64 { updates * batch / whole }

    /// The number of the epoch, from 1, that the last image of an update belongs to; updates count from 1, too.
    public func number(at update: UInt64) -> UInt64 { (max(1, update * batch) - 1) / whole + 1 }

    /// The least number of updates after which so many epochs are complete; `nil` if there is no such number.
    public func updates(for epochs: UInt64) -> UInt64? {
        let (images, overflow) = epochs.multipliedReportingOverflow(by: whole)
        return overflow ? nil : images / batch + (images % batch == 0 ? 0 : 1)
    }
}

/// After which updates a model is validated: a pure function of their number, so that there is nothing to save.
public struct ValidationSchedule: Hashable, Sendable {
    private let every: UInt64?
    private let epochs: Epochs

    /// Validates after every so many updates, at least 1; at the end of each epoch without.
    public init(every: UInt64?, epochs: Epochs) {
        precondition(every != 0, "a model is validated after at least one update")
        self.every = every
        self.epochs = epochs
    }

    /// How many validations there are in so many updates.
    ///
    /// An update that completes several epochs is followed by one.
    public func count(upTo updates: UInt64) -> UInt64 {
        every.map { updates / $0 } ?? min(updates, epochs.completed(after: updates))
    }

    /// Whether a validation follows an update.
    public func isDue(after update: UInt64) -> Bool { update > 0 && count(upTo: update) > count(upTo: update - 1) }
}
