public import PliniusSealing

/// Shamir's sharing of a secret (Shamir, How to share a secret, 1979), byte by byte over GF(256).
///
/// Every byte of the secret is where a random polynomial of degree `threshold - 1` meets zero; a share is all polynomials' values at its
/// index. As many shares as the threshold give the secret; with one less, every secret is as likely as before.
public enum SecretSharing {
    /// The most shares that there can be: one of each index but zero, where the secret is.
    public static let maximumCount = 255

    /// Cuts a secret into `count` shares with the indices 1 to `count`, each as long as the secret.
    /// - Throws: ``ManagerError/Code/malformed`` for a threshold that is not in `1...count`, or too many shares.
    public static func split(
        _ secret: SecretBytes, threshold: Int, count: Int
    ) throws(ManagerError) -> [SecretBytes] {
        guard (1...maximumCount).contains(count), (1...count).contains(threshold) else {
            throw ManagerError(
                .malformed, "\(threshold) of \(count) shares: ask for 1 to \(maximumCount) shares, and need 1 to all")
        }
        // Of each power but the zeroth one coefficient for every byte, which is used once.
        let coefficients = (1..<threshold).map { _ in SecretBytes.random(secret.count) }
        return (1...count).map { index in
            let point = FieldElement(UInt8(index))
            return unsafe SecretBytes(count: secret.count) { share in
                // Horner's rule, from the highest power down to the secret.
                for powers in coefficients.reversed() + [secret] {
                    unsafe powers.withBytes { powers in
                        for place in 0..<share.count {
                            unsafe share[place] =
                                (FieldElement(share[place]) * point + FieldElement(powers[place])).value
                        }
                    }
                }
            }
        }
    }

    /// Puts a secret together from shares of different indices.
    ///
    /// Shares of different secrets, or too few, give some other secret: whoever calls knows by what to recognise the right one.
    /// - Throws: ``ManagerError/Code/malformed`` for no shares, an index twice or out of range, shares of different lengths.
    public static func join(_ shares: [(index: Int, bytes: SecretBytes)]) throws(ManagerError) -> SecretBytes {
        let indices = shares.map { $0.index }
        guard let length = shares.first?.bytes.count, Set(indices).count == shares.count,
            indices.allSatisfy((1...maximumCount).contains), shares.allSatisfy({ $0.bytes.count == length })
        else {
            throw ManagerError(
                .malformed, "shares \(indices): give shares of one length, each index of 1 to \(maximumCount) once")
        }
        return unsafe SecretBytes(count: length) { secret in
            for share in shares {
                let weight = weight(of: share.index, among: indices)
                unsafe share.bytes.withBytes { bytes in
                    for place in 0..<secret.count {
                        unsafe secret[place] ^= (weight * FieldElement(bytes[place])).value
                    }
                }
            }
        }
    }

    /// What Lagrange's polynomial of one index is at zero.
    private static func weight(of index: Int, among indices: [Int]) -> FieldElement {
        let own = FieldElement(UInt8(index))
        return indices.reduce(FieldElement.one) { weight, other in
            if other == index { return weight }
            let other = FieldElement(UInt8(other))
            return weight * other * (other + own).inverse
        }
    }
}
