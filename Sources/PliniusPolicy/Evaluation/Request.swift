public import PliniusVerifier
public import PliniusWire

/// What somebody wants to do with whose assets.
public struct Request: Hashable, Sendable {
    public var purpose: RuntimeData.Purpose
    /// In the order in which the run reads them.
    public var datasets: [ScopedName]
    public var config: ScopedName
    /// What is gone on with, tested, used or exported.
    public var model: ScopedName?
    /// What comes out.
    public var output: ScopedName?
    /// What the pool calls the run.
    public var runName: String
    /// Whether the run is about to begin; it goes on otherwise.
    public var isNew: Bool

    /// As many as runtime data have room for.
    public static let maximumDatasets = 16

    public init(
        purpose: RuntimeData.Purpose, datasets: [ScopedName], config: ScopedName, model: ScopedName? = nil,
        output: ScopedName? = nil, runName: String, isNew: Bool
    ) {
        self.purpose = purpose
        self.datasets = datasets
        self.config = config
        self.model = model
        self.output = output
        self.runName = runName
        self.isNew = isNew
    }

    /// The assets that it names, each once.
    public var assets: [ScopedName] {
        var seen: Set<ScopedName> = []
        return (datasets + [config, model, output].compactMap { $0 }).filter { seen.insert($0).inserted }
    }

    /// What leases, counters and stops know it by; `nil` if nothing is named that a run could be of.
    public var run: Run? { (output ?? model).flatMap { Run(asset: $0, name: runName) } }

    /// The training whose mirror is read, or written: of what comes out, or of the model where it is only used.
    public var mirroredRun: Run? {
        (purpose == .infer ? model : output ?? model).flatMap { Run(asset: $0, name: runName) }
    }
}

extension Request {
    /// Holds what an enclave says of itself against the request: what the policies of its owners leave open.
    /// - Parameter registry: Where the identities of the assets are.
    public func findings(about data: RuntimeData, in registry: Registry) -> [Finding] {
        var examination = Examination()
        let expected = datasets.map { registry.assets[$0]?.identity ?? "" }
        let found = data.datasetIDs.map { hexadecimal($0) }
        examination.check(
            "request.purpose", data.purpose == purpose, expected: "\(purpose)", found: "\(data.purpose)")
        examination.check(
            "request.config", data.configDigest == registry.assets[config]?.identityBytes,
            expected: registry.assets[config]?.identity ?? "", found: hexadecimal(data.configDigest))
        examination.check(
            "request.datasets", found == expected,
            expected: "these, in this order: \(expected.joined(separator: ", "))",
            found: found.joined(separator: ", "))
        examination.check("request.run", data.runName == runName, expected: runName, found: data.runName)
        examination.check(
            "request.begins", data.isNewRun == isNew, expected: isNew ? "a run that begins" : "a run that goes on",
            found: data.isNewRun ? "one that begins" : "one that goes on")
        return examination.findings
    }
}
