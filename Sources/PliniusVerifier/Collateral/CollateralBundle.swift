/// What somebody fetched from the makers of platforms, as one signed file that is carried to where evidence is judged.
///
/// The makers' own signatures are checked while judging; the bundle's says that nothing was left out or put in since it was made, and how
/// old it is. The encoding is deterministic but for the signature; all numbers are big-endian, all lengths are of 4 bytes:
///
/// | Bytes | Field |
/// |---|---|
/// | 8 | `PLINIUSC` |
/// | 4 | the format's version, 1 |
/// | 4 + n | the series: bundles of one series and one signer replace each other |
/// | 8 | the serial number, which only rises |
/// | 8, 8 | issue and expiry, seconds since 1970 |
/// | 4 | the number of items |
/// | 1, 4 + n | for each item its kind and bytes, in rising order |
/// | 1, n | the kind of the signer's key and the key |
/// | 64 | the signature over all bytes before it |
public struct CollateralBundle: Hashable, Sendable {
    public static let currentVersion: UInt32 = 1
    /// No bundle is longer.
    public static let maximumByteCount = 64 << 20
    static let maximumItemCount = 1 << 16
    private static let magic = Array("PLINIUSC".utf8)
    static let format = "collateral.bundle.format"

    public var series: String
    public var serial: UInt64
    public var issued: Instant
    public var expires: Instant
    public var content: CollateralContent

    public init(
        series: String, serial: UInt64, issued: Instant, expires: Instant,
        content: CollateralContent = CollateralContent()
    ) {
        self.series = series
        self.serial = serial
        self.issued = issued
        self.expires = expires
        self.content = content
    }

    /// The bundle as a file.
    /// - Throws: `collateral.bundle.format`, if it would be too long to be read, and what the key throws.
    public func signed(with key: CollateralSigningKey) throws -> [UInt8] {
        let items = content.items
        var writer = BigEndianWriter(bytes: Self.magic)
        writer.integer(Self.currentVersion)
        writer.sized(Array(series.utf8))
        writer.integer(serial)
        writer.integer(issued.seconds)
        writer.integer(expires.seconds)
        writer.integer(UInt32(items.count))
        for item in items {
            writer.integer(item.kind.rawValue)
            writer.sized(item.bytes)
        }
        let (kind, publicKey) = key.publicKey.fields
        writer.integer(kind)
        writer.bytes += publicKey
        let bundle = writer.bytes + (try key.signature(over: writer.bytes))
        // What cannot be read is not handed out.
        _ = try CollateralBundle(bundle, signedBy: [key.publicKey])
        return bundle
    }

    /// Reads a file that one of the keys signed, to its last byte.
    /// - Throws: `collateral.bundle.format`, `.version`, `.signer` or `.signature`; nothing of what is inside is looked at before the
    ///   signature held.
    public init(_ bytes: [UInt8], signedBy trusted: [CollateralKey]) throws(EvidenceError) {
        self = try Self.open(bytes, signedBy: trusted).bundle
    }

    /// Reads a file, and says whose it is.
    static func open(
        _ bytes: [UInt8], signedBy trusted: [CollateralKey]
    ) throws(EvidenceError) -> (bundle: CollateralBundle, signer: CollateralKey) {
        guard bytes.count <= maximumByteCount else {
            throw EvidenceError(format, expected: "at most \(maximumByteCount) bytes", found: "\(bytes.count) bytes")
        }
        var cursor = ByteCursor(bytes, format: format)
        guard try cursor.bytes(magic.count) == magic else {
            throw EvidenceError(format, expected: "a bundle of collateral", found: "a file that begins otherwise")
        }
        let version: UInt32 = try cursor.big()
        guard version == currentVersion else {
            throw EvidenceError(
                "collateral.bundle.version", expected: "version \(currentVersion)", found: "version \(version)")
        }
        let series = try cursor.long(atMost: 256)
        let serial: UInt64 = try cursor.big()
        let issued: Int64 = try cursor.big()
        let expires: Int64 = try cursor.big()
        let count: UInt32 = try cursor.big()
        guard count <= maximumItemCount else {
            throw EvidenceError(format, expected: "at most \(maximumItemCount) items", found: "\(count)")
        }
        var items: [(UInt8, [UInt8])] = []
        for _ in 0..<count {
            items.append((try cursor.big(), try cursor.long(atMost: maximumByteCount)))
        }
        let kind: UInt8 = try cursor.big()
        guard let keyByteCount = CollateralKey.byteCount(kind) else {
            throw EvidenceError(format, expected: "a key of Ed25519 (1) or P-256 (2)", found: "kind \(kind)")
        }
        let key = CollateralKey(kind: kind, try cursor.bytes(keyByteCount))
        let message = Array(bytes.prefix(cursor.offset))
        let signature = try cursor.bytes(64)
        try cursor.finish()
        guard trusted.contains(key) else {
            throw EvidenceError(
                "collateral.bundle.signer",
                expected: trusted.isEmpty
                    ? "a key that is believed" : trusted.map(\.description).joined(separator: " or "),
                found: key.description)
        }
        guard key.isValid(signature, over: message) else {
            throw EvidenceError(
                "collateral.bundle.signature", expected: "a signature of \(key) over the bundle", found: "another")
        }
        guard let name = String(validating: series, as: UTF8.self), !name.isEmpty, 0 <= issued, issued <= expires,
            expires <= Instant(9999, 12, 31).seconds
        else {
            throw EvidenceError(
                format, expected: "a series in UTF-8, and an expiry after the issue, both before the year 10000",
                found: "\(hexadecimal(series)), \(issued) to \(expires) s")
        }
        let bundle = CollateralBundle(
            series: name, serial: serial, issued: Instant(seconds: issued), expires: Instant(seconds: expires),
            content: try CollateralContent(items))
        return (bundle, key)
    }
}

/// Appends numbers, the highest byte first.
struct BigEndianWriter {
    var bytes: [UInt8] = []

    mutating func integer<I: FixedWidthInteger>(_ value: I) {
        for shift in stride(from: I.bitWidth - 8, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    /// Bytes behind their number.
    mutating func sized(_ content: [UInt8]) {
        integer(UInt32(content.count))
        bytes += content
    }
}

extension ByteCursor {
    /// Bytes behind their number of 32 bits, big-endian.
    mutating func long(atMost limit: Int) throws(EvidenceError) -> [UInt8] {
        let count: UInt32 = try big()
        guard Int(count) <= limit else {
            throw EvidenceError(
                CollateralBundle.format, expected: "a field of at most \(limit) bytes", found: "\(count) bytes")
        }
        return try bytes(Int(count))
    }
}
