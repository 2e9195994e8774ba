import PliniusDataSealing
import PliniusDatasets
import PliniusModels
import PliniusVerifier
import PliniusWire

/// A reader of bytes that nobody vouches for, and what must hold for any bytes at all.
public struct FuzzedParser: Sendable {
    /// What a reader makes of bytes that it accepts.
    public enum Outcome {
        case accepted
        /// There is an encoder too; these are its bytes.
        case encoded([UInt8])
    }

    /// How a reader treats what stands behind the last field.
    public enum Ending: Sendable {
        /// One byte more or fewer is refused.
        case exact
        /// The format has a filling, or is text.
        case loose
    }

    public let name: String
    /// No input of the fuzzer is longer: a little more than what the format needs.
    public let maximumByteCount: Int
    let ending: Ending
    let read: @Sendable ([UInt8]) throws -> Outcome
    let seeds: @Sendable (Samples) -> [[UInt8]]

    init(
        _ name: String, atMost maximumByteCount: Int, _ ending: Ending = .exact,
        seeds: @escaping @Sendable (Samples) -> [[UInt8]], read: @escaping @Sendable ([UInt8]) throws -> Outcome
    ) {
        self.name = name
        self.maximumByteCount = maximumByteCount
        self.ending = ending
        self.seeds = seeds
        self.read = read
    }

    /// Inputs to start from: published evidence where there is some, small ones of our own otherwise.
    public func seeds(from samples: Samples) -> [[UInt8]] {
        seeds(samples).filter { $0.count <= maximumByteCount }
    }

    /// Whether the reader takes the bytes for what it reads.
    public func accepts(_ bytes: [UInt8]) -> Bool { (try? read(bytes)) != nil }

    /// Reads the bytes, and says what should not be: `nil` if they were refused in order, or accepted with every byte used.
    public func violation(_ bytes: [UInt8]) -> String? {
        let outcome: Outcome
        do { outcome = try read(bytes) } catch { return Self.strange(error) }
        if case .encoded(let again) = outcome, again != bytes {
            // The first encoding may normalize; the second may not change anything any more.
            guard ending == .loose else { return "what was read is encoded otherwise: \(again)" }
            guard case .encoded(again)? = try? read(again) else {
                return "its own encoding is read otherwise: \(again)"
            }
        }
        guard ending == .exact else { return nil }
        if (try? read(bytes + [0])) != nil { return "a byte behind the end is accepted" }
        if !bytes.isEmpty, (try? read(bytes.dropLast())) != nil { return "the last byte is not used" }
        return nil
    }

    /// Refusals are of the kinds that callers know.
    private static func strange(_ error: any Error) -> String? {
        switch error {
        case is EvidenceError, is WireError, is PolicyErrors, is AttestationError, is SourceError, is ModelError,
            is PredictionsError, is Refused:
            nil
        default: "thrown: \(error)"
        }
    }
}

/// What a reader refuses without an error: there is not even a frame's type, or `nil` is its answer.
struct Refused: Error {}
