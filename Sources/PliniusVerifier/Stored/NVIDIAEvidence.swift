import FoundationEssentials
package import PliniusWire

/// Evidence of NVIDIA's GPUs as its own attesters keep it: JSON with a list of reports and chains, each in base64.
package enum NVIDIAEvidence {
    private struct Entry: Decodable {
        var evidence: Data
        var certificate: Data
    }

    /// Reads a file: a list of up to eight GPUs, or one alone.
    /// - Throws: `stored.nvidia.format`.
    package static func read(_ bytes: [UInt8]) throws(EvidenceError) -> [Evidence] {
        let format = "stored.nvidia.format"
        let entries: [Entry] =
            if bytes.first == UInt8(ascii: "[") {
                try StoredJSON.decode(bytes, format)
            } else {
                [try StoredJSON.decode(bytes, format)]
            }
        guard (1...8).contains(entries.count) else {
            throw EvidenceError(format, expected: "1 to 8 GPUs", found: "\(entries.count)")
        }
        return entries.map {
            Evidence(.nvidia, ["report": Array($0.evidence), "certificates": Array($0.certificate)])
        }
    }
}
