internal import PliniusSealing
internal import PliniusWire
internal import _PliniusSupport

/// SGX under Gramine: files of the library OS, private to this process.
struct GramineFiles: Sendable {
    /// A quote with its certificates takes some 5 KB.
    static let maximumQuoteByteCount = 64 << 10

    let folder: String
    let kernel: Kernel

    /// What Gramine attests with: `dcap`, `none` in direct mode, or nothing if this is no Gramine.
    var attestationType: String? {
        guard let text = try? kernel.read("\(folder)/attestation_type", 64) else { return nil }
        return String(decoding: text, as: UTF8.self).trimmed
    }

    /// A quote over 64 bytes of report data.
    func quote(over reportData: [UInt8]) throws(AttestationError) -> Evidence {
        guard let type = attestationType, type == "dcap" else {
            throw AttestationError(
                "SGX: \(folder)/attestation_type says '\(attestationType ?? "nothing")', 'dcap' is needed: "
                    + "run under gramine-sgx, with sgx.remote_attestation = \"dcap\" in the manifest")
        }
        let quote = try asking("SGX: no quote in \(folder)") { () throws(KernelError) in
            try kernel.write("\(folder)/user_report_data", reportData)
            return try kernel.read("\(folder)/quote", Self.maximumQuoteByteCount)
        }
        try require(quote, binds: reportData, "SGX: the quote")
        return Evidence(.sgx, ["quote": quote])
    }

    /// A key that this enclave has on this processor and nobody else has, 16 bytes.
    func sealingKey() throws(AttestationError) -> SecretBytes {
        let path = "\(folder)/keys/_sgx_mrenclave"
        let key = try asking("SGX: no sealing key in \(path)") { () throws(KernelError) in try kernel.read(path, 17) }
        guard key.count == 16 else {
            throw AttestationError("SGX: \(path) has \(key.count) bytes, a sealing key has 16")
        }
        return SecretBytes(key)
    }
}

/// Says what was asked of the kernel when it refused.
func asking<R>(_ what: @autoclosure () -> String, _ body: () throws(KernelError) -> R) throws(AttestationError) -> R {
    do throws(KernelError) { return try body() } catch { throw AttestationError("\(what()): \(error)") }
}

/// Refuses evidence that somebody else's request got between, wherever its format has the report data.
func require(_ evidence: [UInt8], binds reportData: [UInt8], _ what: String) throws(AttestationError) {
    guard !evidence.isEmpty else {
        throw AttestationError("\(what) is empty: the service that signs on this host did not answer; is it too old?")
    }
    guard evidence.contains(reportData) else {
        throw AttestationError("\(what) does not bind the report data that was asked for: who else asks at this time?")
    }
}

extension String {
    /// Without the end of the line that attributes have.
    var trimmed: String { String(prefix { !$0.isWhitespace && $0 != "\0" }) }
}
