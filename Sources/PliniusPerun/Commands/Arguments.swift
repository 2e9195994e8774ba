import ArgumentParser
import PliniusPolicy
import PliniusWire

// Readers of what is given on the command line; each says what it expects.

@Sendable func ownerKey(_ text: String) throws -> OwnerKey {
    guard let key = OwnerKey(text) else {
        throw ValidationError("\"\(text)\" is no key: give ed25519: and 64 digits, or p256: and 130")
    }
    return key
}

@Sendable func keyKind(_ text: String) throws -> OwnerKey.Kind {
    guard let kind = OwnerKey.Kind(rawValue: text) else { throw ValidationError("\"\(text)\": give ed25519 or p256") }
    return kind
}

@Sendable func scopedName(_ text: String) throws -> ScopedName {
    guard let name = ScopedName(text) else {
        throw ValidationError("\"\(text)\" is no name such as owner/name, of a-z, 0-9, -, _ and dots")
    }
    return name
}

@Sendable func assetKind(_ text: String) throws -> Asset.Kind {
    guard let kind = Asset.Kind(rawValue: text) else {
        throw ValidationError("\"\(text)\": give \(Asset.Kind.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return kind
}

@Sendable func purposeWord(_ text: String) throws -> RuntimeData.Purpose {
    guard let purpose = RuntimeData.Purpose.allCases.first(where: { "\($0)" == text }) else {
        throw ValidationError("\"\(text)\": give train, test, infer or export")
    }
    return purpose
}
