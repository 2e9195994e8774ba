import PliniusAttester
import PliniusSealing
import PliniusWire

/// What proves to an owner which program runs here, and under which protection.
protocol EvidenceSource {
    /// Obtains evidence that binds the runtime data of one exchange.
    /// - Throws: `AttestationError` if the platform hands none out.
    func evidence(binding runtimeData: [UInt8], for challenge: Challenge) throws(AttestationError) -> [Evidence]
}
