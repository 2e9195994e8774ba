import PliniusPerunClient

/// What a run asks a policy manager for: the assets that its owners have stated there, by their names.
public struct ManagerErrand: Sendable {
    /// Where the manager is, and what it is known by.
    let trust: ManagerTrust
    /// `namespace/name` of each sealed data set, in the order of the run.
    public var datasets: [String]
    /// The network's.
    public var config: String
    /// What comes out of a training, and is used by anything else.
    public var model: String
    /// What comes out of a prediction.
    public var predictions: String?

    /// Reads what `perun trust` wrote.
    /// - Throws: `HostError.Code.usage` if there is none.
    public init(trustFile path: String, datasets: [String], config: String, model: String) throws(HostError) {
        let bytes = try OpenFile.forReading(path, as: "file of trust").prefix(1 << 16)
        do throws(PerunClientError) { trust = try ManagerTrust(json: bytes) } catch {
            throw HostError(.usage, "\(path): \(error)")
        }
        self.datasets = datasets
        self.config = config
        self.model = model
    }

    /// Where the manager is.
    public var address: String { trust.address }

    /// What the manager is asked.
    func request(for purpose: String, run: String, lease: String?) -> ChallengeRequest {
        ChallengeRequest(
            purpose: purpose, datasets: datasets, config: config, model: purpose == "train" ? nil : model,
            output: predictions ?? model, run: run, lease: lease)
    }
}
