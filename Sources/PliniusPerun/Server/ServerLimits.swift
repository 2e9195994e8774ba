/// How much one client, and all of them, may ask of the server.
public struct ServerLimits: Hashable, Sendable {
    /// Of all header fields of a request, in bytes.
    public var headers = 16 << 10
    /// Of the path and the query, in bytes.
    public var target = 4 << 10
    /// How long a request may take to arrive, in seconds.
    public var requestSeconds: Int64 = 30
    /// How long an idle connection stays open, in seconds.
    public var idleSeconds: Int64 = 30
    /// Connections at once.
    public var connections = 1_024
    /// Of the bodies of all requests that are worked on at once, in bytes.
    public var bodies = 160 << 20
    /// Requests that one address may make at once after a pause.
    public var burst = 120
    /// Requests that one address may go on to make, per second.
    public var rate = 20.0
    /// How often leases are looked for whose time is over, in seconds.
    public var housekeepingSeconds: Int64 = 5
    /// Addresses that are remembered.
    public var addresses = 16_384

    public init() {}
}
