public import PliniusWire

/// Evidence that passed every check of one policy for one challenge: what keys are released to.
///
/// It comes out of ``UnverifiedEvidence/verdict(under:for:in:)`` and from nowhere else.
public struct VerifiedEvidence: Sendable {
    /// What the evidence binds: the key that secrets are sealed to, and what they are for.
    public let runtimeData: RuntimeData
    /// What each platform said.
    public let claims: [Evidence.Kind: any PlatformClaims]

    init(runtimeData: RuntimeData, claims: [Evidence.Kind: any PlatformClaims]) {
        self.runtimeData = runtimeData
        self.claims = claims
    }
}
