/// What a judgement rests on besides evidence and policy: everything that may change with time comes in here, and nothing is fetched.
public struct Context: Sendable {
    /// The instant to judge at.
    public var now: Instant
    /// Whom to believe, the makers' own keys unless a test or a private authority says otherwise.
    public var anchors: TrustAnchors
    /// What the makers said of their platforms, imported earlier.
    public var collateral: Collateral

    public init(now: Instant, anchors: TrustAnchors = TrustAnchors(), collateral: Collateral = Collateral()) {
        self.now = now
        self.anchors = anchors
        self.collateral = collateral
    }
}

/// A point in time, in whole seconds of UTC since 1970.
public struct Instant: Hashable, Comparable, Sendable, Codable {
    public var seconds: Int64

    public init(seconds: Int64) { self.seconds = seconds }

    public static func < (first: Instant, second: Instant) -> Bool { first.seconds < second.seconds }
}
