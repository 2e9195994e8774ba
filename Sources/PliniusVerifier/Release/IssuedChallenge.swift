public import PliniusWire

/// A challenge, and what its owner has to remember of it.
public struct IssuedChallenge: Sendable {
    /// What the enclave gets.
    public let challenge: Challenge
    /// When it was made.
    public let issued: Instant
    /// How long an answer counts, in seconds.
    public let life: Int64

    /// Makes a challenge with a nonce that nobody has seen.
    /// - Parameters:
    ///   - wanted: The platforms whose evidence is asked for; none leaves the choice to the enclave.
    ///   - registers: What a TPM is to quote.
    ///   - enrols: Whether a TPM is to show first that it holds the key that quotes.
    ///   - now: The instant from which its life counts.
    public init(
        wanted: [Evidence.Kind] = [], registers: [Challenge.RegisterSelection] = [], imaStart: UInt64 = 0,
        enrols: Bool = false,
        now: Instant, life: Int64 = 120
    ) {
        var generator = SystemRandomNumberGenerator()
        var challenge = Challenge(
            nonce: (0..<RuntimeData.nonceByteCount).map { _ in UInt8.random(in: 0...255, using: &generator) })
        challenge.wanted = wanted.map(\.rawValue)
        challenge.registers = registers
        challenge.imaStart = imaStart
        challenge.enrols = enrols
        self.init(challenge, issued: now, life: life)
    }

    /// Takes a challenge that was made elsewhere.
    public init(_ challenge: Challenge, issued: Instant, life: Int64) {
        self.challenge = challenge
        self.issued = issued
        self.life = life
    }
}
