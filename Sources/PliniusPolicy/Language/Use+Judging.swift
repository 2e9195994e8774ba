public import PliniusVerifier
public import PliniusWire

extension OwnerPolicy.Use {
    /// What evidence is judged by for one request: this use's environment, for its config, its data sets and its run.
    ///
    /// The order of the data sets is another check: ``Request/findings(about:in:)``.
    public func policy(for request: Request, in registry: Registry) -> Policy {
        var policy = environment
        policy.purposes.value = [request.purpose]
        policy.configDigests.value = [registry.assets[request.config]?.identityBytes ?? []]
        policy.datasets.value =
            request.datasets.isEmpty ? nil : Set(request.datasets.map { registry.assets[$0]?.identityBytes ?? [] })
        policy.runs = Setting([request.runName], line)
        return policy
    }

    /// The kinds of evidence that have to be there.
    public var evidence: Set<Evidence.Kind> { environment.evidence.value }

    /// Whether a TPM has to show first that it holds the key that quotes.
    public var needsActivation: Bool { environment.needsActivation }
}
