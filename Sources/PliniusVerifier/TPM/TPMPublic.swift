import Crypto

/// The public area of a TPM's object: TPMT_PUBLIC (TPM 2.0 Library, Part 2, section 12.2.4; big-endian), of RSA and of ECC keys.
package struct TPMPublic: Hashable, Sendable {
    /// What a key may do, and where it may live (TPMA_OBJECT).
    package struct Attributes: OptionSet, Hashable, Sendable {
        package let rawValue: UInt32

        package init(rawValue: UInt32) { self.rawValue = rawValue }

        /// Never leaves its TPM.
        package static let fixedTPM = Attributes(rawValue: 1 << 1)
        package static let fixedParent = Attributes(rawValue: 1 << 4)
        /// Made by the TPM, so that nobody else ever knew it.
        package static let sensitiveDataOrigin = Attributes(rawValue: 1 << 5)
        package static let userWithAuth = Attributes(rawValue: 1 << 6)
        package static let adminWithPolicy = Attributes(rawValue: 1 << 7)
        /// Signs nothing that claims to be a TPM's statement and is none; decrypts only what a TPM wraps.
        package static let restricted = Attributes(rawValue: 1 << 16)
        package static let decrypt = Attributes(rawValue: 1 << 17)
        package static let sign = Attributes(rawValue: 1 << 18)
    }

    /// The key itself.
    package enum Key: Hashable, Sendable {
        /// Modulus, and the public exponent.
        case rsa(modulus: [UInt8], exponent: UInt32)
        /// A point, its coordinates as long as the curve's field.
        case ecc(Curve, x: [UInt8], y: [UInt8])
    }

    /// The curves that this build knows (TPM_ECC_CURVE).
    package enum Curve: UInt16, Hashable, Sendable {
        case p256 = 0x0003
        case p384 = 0x0004

        /// The length of a coordinate.
        package var byteCount: Int { self == .p256 ? 32 : 48 }
    }

    /// What wraps the children of a storage key, and the secret for it: AES in CFB mode.
    package struct Symmetric: Hashable, Sendable {
        package let keyBits: UInt16
    }

    /// How the key signs; `nil` hash for schemes without one.
    package struct Scheme: Hashable, Sendable {
        package let algorithm: UInt16
        package let hash: UInt16?
    }

    /// All of it.
    package let bytes: [UInt8]
    /// The hash that makes the name.
    package let nameAlgorithm: HashAlgorithm
    package let attributes: Attributes
    /// The digest of the policy that allows its use; empty for none.
    package let policy: [UInt8]
    package let symmetric: Symmetric?
    /// `nil` if the caller chooses.
    package let scheme: Scheme?
    package let key: Key

    /// What identifies the object: its hash's number and the digest of its public area.
    package var name: [UInt8] { TPMField.big(nameAlgorithm.rawValue) + nameAlgorithm.hash(bytes) }

    /// Reads TPMT_PUBLIC to its last byte.
    /// - Parameter format: The check that fails: `tpm.ak.format`, `tpm.ek.format`.
    package init(_ bytes: [UInt8], format: String) throws(EvidenceError) {
        guard bytes.count <= 1024 else {
            throw EvidenceError(format, expected: "at most 1024 bytes", found: "\(bytes.count) bytes")
        }
        self.bytes = bytes
        var cursor = ByteCursor(bytes, format: format)
        let type = try cursor.big(UInt16.self)
        let nameAlgorithm = try cursor.big(UInt16.self)
        guard let nameAlgorithm = HashAlgorithm(rawValue: nameAlgorithm) else {
            throw EvidenceError(
                format, expected: "a name by SHA-1, SHA-256, SHA-384 or SHA-512",
                found: "algorithm 0x\(String(nameAlgorithm, radix: 16))")
        }
        self.nameAlgorithm = nameAlgorithm
        attributes = Attributes(rawValue: try cursor.big())
        policy = try cursor.sized(atMost: 64)
        symmetric = try Self.symmetric(&cursor, format)
        scheme = try Self.scheme(&cursor)
        switch type {
        case 0x0001: key = try Self.rsa(&cursor, format)
        case 0x0023: key = try Self.ecc(&cursor, format)
        default:
            throw EvidenceError(
                format, expected: "an RSA (0x1) or ECC (0x23) key", found: "type 0x\(String(type, radix: 16))")
        }
        try cursor.finish()
    }

    /// Reads TPM2B_PUBLIC, which is the same behind its length.
    /// - Parameter format: The check that fails.
    package init(sized bytes: [UInt8], format: String) throws(EvidenceError) {
        var cursor = ByteCursor(bytes, format: format)
        let area = try cursor.sized(atMost: 1024)
        try cursor.finish()
        try self.init(area, format: format)
    }

    /// The key, to check signatures with.
    /// - Throws: The format's error, if no such key can be.
    package func publicKey(_ format: String) throws(EvidenceError) -> PublicKey {
        do {
            switch key {
            case .rsa(let modulus, let exponent):
                return try PublicKey(rsaModulus: modulus, exponent: TPMField.big(exponent))
            case .ecc(.p256, let x, let y):
                return .p256(try P256.Signing.PublicKey(x963Representation: [4] + x + y))
            case .ecc(.p384, let x, let y):
                return .p384(try P384.Signing.PublicKey(x963Representation: [4] + x + y))
            }
        } catch {
            throw EvidenceError(format, expected: "a modulus of RSA, or a point of the curve", found: "\(key)")
        }
    }
}

// MARK: - Reading

extension TPMPublic {
    private static let none: UInt16 = 0x0010

    private static func symmetric(_ cursor: inout ByteCursor, _ format: String) throws(EvidenceError) -> Symmetric? {
        let algorithm = try cursor.big(UInt16.self)
        guard algorithm != none else { return nil }
        let keyBits = try cursor.big(UInt16.self)
        let mode = try cursor.big(UInt16.self)
        guard algorithm == 0x0006, mode == 0x0043, keyBits == 128 || keyBits == 192 || keyBits == 256 else {
            throw EvidenceError(
                format, expected: "no symmetric cipher, or AES (0x6) in CFB mode (0x43) with 128, 192 or 256 bits",
                found: "algorithm 0x\(String(algorithm, radix: 16)), mode 0x\(String(mode, radix: 16)), \(keyBits) bits"
            )
        }
        return Symmetric(keyBits: keyBits)
    }

    private static func scheme(_ cursor: inout ByteCursor) throws(EvidenceError) -> Scheme? {
        let algorithm = try cursor.big(UInt16.self)
        switch algorithm {
        case none: return nil
        // RSAES has no parameters; ECDAA has a counter besides its hash.
        case 0x0015: return Scheme(algorithm: algorithm, hash: nil)
        case 0x001A:
            let hash = try cursor.big(UInt16.self)
            _ = try cursor.big(UInt16.self)
            return Scheme(algorithm: algorithm, hash: hash)
        default: return Scheme(algorithm: algorithm, hash: try cursor.big())
        }
    }

    private static func rsa(_ cursor: inout ByteCursor, _ format: String) throws(EvidenceError) -> Key {
        let bits = try cursor.big(UInt16.self)
        let exponent = try cursor.big(UInt32.self)
        let modulus = try cursor.sized(atMost: 512)
        guard bits >= 2048, modulus.count * 8 == Int(bits), modulus[0] >= 0x80,
            modulus.last.map({ $0 & 1 == 1 }) == true,
            exponent == 0 || exponent >= 3 && exponent & 1 == 1
        else {
            throw EvidenceError(
                format, expected: "an odd modulus of 2048 to 4096 bits, as many as the key says, and an odd exponent",
                found: "\(bits) bits, a modulus of \(modulus.count) bytes, exponent \(exponent)")
        }
        return .rsa(modulus: modulus, exponent: exponent == 0 ? 65537 : exponent)
    }

    private static func ecc(_ cursor: inout ByteCursor, _ format: String) throws(EvidenceError) -> Key {
        let number = try cursor.big(UInt16.self)
        guard let curve = Curve(rawValue: number) else {
            throw EvidenceError(
                format, expected: "curve P-256 (0x3) or P-384 (0x4)", found: "0x\(String(number, radix: 16))")
        }
        let derivation = try cursor.big(UInt16.self)
        if derivation != none { _ = try cursor.big(UInt16.self) }
        let x = try coordinate(&cursor, curve, format)
        return .ecc(curve, x: x, y: try coordinate(&cursor, curve, format))
    }

    /// Some TPMs leave leading zeros out.
    private static func coordinate(
        _ cursor: inout ByteCursor, _ curve: Curve, _ format: String
    ) throws(EvidenceError) -> [UInt8] {
        let bytes = try cursor.sized(atMost: curve.byteCount)
        return [UInt8](repeating: 0, count: curve.byteCount - bytes.count) + bytes
    }
}

extension TPMPublic.Attributes: CustomStringConvertible {
    private static let names: [(Self, String)] = [
        (.fixedTPM, "fixedTPM"), (.fixedParent, "fixedParent"), (.sensitiveDataOrigin, "sensitiveDataOrigin"),
        (.userWithAuth, "userWithAuth"), (.adminWithPolicy, "adminWithPolicy"), (.restricted, "restricted"),
        (.decrypt, "decrypt"), (.sign, "sign"),
    ]

    package var description: String {
        let known = Self.names.filter { contains($0.0) }
        let rest = subtracting(Self(known.map(\.0)))
        return (known.map(\.1) + (rest.isEmpty ? [] : ["0x\(String(rest.rawValue, radix: 16))"])).joined(separator: "|")
    }
}
