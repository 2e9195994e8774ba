import PliniusSealing

extension SealingProvider {
    /// Those that this machine can test.
    static let available = allCases.filter(\.isAvailable)
}

extension SealingKey {
    convenience init(_ key: [UInt8], provider: SealingProvider) {
        self.init(SecretBytes(key), cipher: key.count == 16 ? .aes128GCM : .aes256GCM, provider: provider)
    }

    func seal(_ plaintext: [UInt8], nonce: Nonce, authenticating context: [UInt8]) -> (ciphertext: [UInt8], tag: Tag) {
        var ciphertext = [UInt8](repeating: 0xA5, count: plaintext.count)
        let tag = plaintext.withUnsafeBytes { plaintext in
            ciphertext.withUnsafeMutableBytes { seal(plaintext, into: $0, nonce: nonce, authenticating: context) }
        }
        return (ciphertext, tag)
    }

    /// Opens, or throws and leaves in `plaintext` what a caller would find then.
    func open(
        _ ciphertext: [UInt8],
        nonce: Nonce,
        authenticating context: [UInt8],
        tag: Tag,
        leaving plaintext: inout [UInt8]
    ) throws(SealingError) {
        plaintext = [UInt8](repeating: 0xA5, count: ciphertext.count)
        // Closures of the standard library lose the type of the error.
        let result: Result<Void, SealingError> = ciphertext.withUnsafeBytes { ciphertext in
            plaintext.withUnsafeMutableBytes { plaintext in
                Result { () throws(SealingError) in
                    try open(ciphertext, into: plaintext, nonce: nonce, authenticating: context, tag: tag)
                }
            }
        }
        try result.get()
    }

    func open(
        _ ciphertext: [UInt8],
        nonce: Nonce,
        authenticating context: [UInt8],
        tag: Tag
    ) throws(SealingError) -> [UInt8] {
        var plaintext: [UInt8] = []
        try open(ciphertext, nonce: nonce, authenticating: context, tag: tag, leaving: &plaintext)
        return plaintext
    }
}

extension Nonce {
    /// The nonce that AES-GCM sees as these 12 bytes.
    init(bytes: [UInt8]) {
        precondition(bytes.count == 12)
        self.init(
            stream: bytes[..<4].reversed().reduce(0) { $0 << 8 | UInt32($1) },
            counter: bytes[4...].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        )
    }
}

extension Tag {
    init(exactly bytes: [UInt8]) {
        guard let tag = Tag(bytes) else { fatalError("not 16 bytes") }
        self = tag
    }
}
