public import PliniusWire

/// What happens during a run, for whoever watches.
public enum HostEvent: Sendable {
    /// The enclave said something.
    case event(Event)
    /// A sentence of the host's own for the operator.
    case note(String)
    /// The run is given up.
    case failed(HostError)
}

/// Watches a run.
public protocol EventSink: AnyObject {
    /// Takes note of an event, and never fails the run.
    func receive(_ event: HostEvent)
}
