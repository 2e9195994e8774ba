import _PliniusSupport

/// What a safetensors file says of its tensors: checked against the format's rules and the file's length, not against any network.
public struct SafetensorsHeader: Sendable {
    /// One tensor.
    public struct Entry: Hashable, Sendable {
        public let name: String
        /// How its numbers are stored, by the format's name.
        public let type: String
        /// Extents, outermost first; none for a single number.
        public let shape: [Int]
        /// Its bytes in the file.
        public let bytes: Range<Int>
    }

    /// All tensors, by ascending place: they cover what follows the header without gap and overlap.
    public let entries: [Entry]
    /// Texts by key; for people.
    public let metadata: [String: String]

    /// The longest header that is read; the format itself allows more.
    public static let maximumByteCount = 16 << 20

    /// Bytes of a number by the type's name.
    private static let widths = [
        "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2, "I32": 4,
        "U32": 4, "F32": 4, "F64": 8, "I64": 8, "U64": 8,
    ]

    /// Reads the header of a whole file.
    /// - Parameter file: Its name, for messages.
    /// - Throws: ``ModelError``: `.damaged`, `.oversized`, `.unsupported`.
    public init(_ bytes: [UInt8], named file: String) throws(ModelError) {
        var reader = ByteReader(Array(bytes.prefix(8)))
        guard let length = try? reader.read(UInt64.self) else {
            throw ModelError(
                .damaged, file, "the length of the header takes 8 bytes, and the file has \(bytes.count)")
        }
        guard length <= UInt64(Self.maximumByteCount) else {
            throw ModelError(
                .oversized, file,
                "the header says that it is \(length) bytes long, \(Self.maximumByteCount) are the limit: is this safetensors?"
            )
        }
        let start = 8 + Int(length)
        guard start <= bytes.count else {
            throw ModelError(
                .damaged, file, "the header is \(length) bytes long, and the file ends at byte \(bytes.count)")
        }
        var text = SafetensorsText(bytes[8..<start], file: file)
        let claims = try text.header()
        metadata = text.metadata
        var entries: [Entry] = []
        for claim in claims {
            entries.append(try Self.entry(claim, dataCount: bytes.count - start, dataStart: start, named: file))
        }
        entries.sort { ($0.bytes.lowerBound, $0.bytes.upperBound) < ($1.bytes.lowerBound, $1.bytes.upperBound) }
        var end = start
        for entry in entries {
            guard entry.bytes.lowerBound == end else {
                let what = entry.bytes.lowerBound < end ? "overlaps what lies before it" : "has a gap before it"
                throw ModelError(
                    .damaged, file, "\(entry.name) \(what): it begins at byte \(entry.bytes.lowerBound), not \(end)")
            }
            end = entry.bytes.upperBound
        }
        guard end == bytes.count else {
            throw ModelError(
                .damaged, file, "the tensors end at byte \(end), and the file goes on to byte \(bytes.count)")
        }
        self.entries = entries
    }

    private static func entry(
        _ claim: SafetensorsText.Claim, dataCount: Int, dataStart: Int, named file: String
    ) throws(ModelError) -> Entry {
        guard let width = widths[claim.type] else {
            throw ModelError(
                .unsupported, file, "\(claim.name) is of the type \(claim.type), which the format does not have")
        }
        var count = width
        for extent in claim.shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: extent)
            guard !overflow else {
                throw ModelError(.oversized, file, "\(claim.name) of extents \(claim.shape) is beyond all limits")
            }
            count = product
        }
        guard claim.start <= claim.end, claim.end <= dataCount else {
            throw ModelError(
                .damaged, file,
                "\(claim.name) is said to be in bytes \(claim.start) to \(claim.end) of \(dataCount) behind the header")
        }
        guard claim.end - claim.start == count else {
            throw ModelError(
                .damaged, file,
                "\(claim.name) of \(claim.type) \(claim.shape) takes \(count) bytes, and is said to have \(claim.end - claim.start)"
            )
        }
        return Entry(
            name: claim.name, type: claim.type, shape: claim.shape,
            bytes: dataStart + claim.start..<dataStart + claim.end)
    }
}
