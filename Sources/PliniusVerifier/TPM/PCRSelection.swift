/// The registers of one bank that a quote covers (TPMS_PCR_SELECTION).
package struct PCRSelection: Hashable, Sendable {
    package let bank: HashAlgorithm
    /// Ascending, which is the order that their values are hashed in.
    package let indices: [Int]

    /// Reads a TPML_PCR_SELECTION; banks without a register are left out.
    /// - Throws: The cursor's format error, also for a bank that no ``HashAlgorithm`` is.
    static func list(_ cursor: inout ByteCursor, _ format: String) throws(EvidenceError) -> [PCRSelection] {
        let count = try cursor.big(UInt32.self)
        guard count <= 16 else {
            throw EvidenceError(format, expected: "at most 16 banks", found: "\(count)")
        }
        var selections: [PCRSelection] = []
        for _ in 0..<count {
            let algorithm = try cursor.big(UInt16.self)
            let size = try cursor.big(UInt8.self)
            guard size <= 4 else {
                throw EvidenceError(format, expected: "at most 32 registers in a bank", found: "\(8 * Int(size))")
            }
            let map = try cursor.bytes(Int(size))
            let indices = (0..<8 * map.count).filter { index in
                let bit: UInt8 = 1 << (index % 8)
                return map[index / 8] & bit != 0
            }
            guard !indices.isEmpty else { continue }
            guard let bank = HashAlgorithm(rawValue: algorithm) else {
                throw EvidenceError(
                    format, expected: "banks of SHA-1, SHA-256, SHA-384, SHA-512",
                    found: "one of algorithm 0x\(String(algorithm, radix: 16))")
            }
            selections.append(PCRSelection(bank: bank, indices: indices))
        }
        return selections
    }
}

extension PCRSelection: CustomStringConvertible {
    package var description: String { "\(bank):\(indices.map(String.init).joined(separator: ","))" }
}
