/// What a platform hands out to prove what runs on it, as bytes that only a verifier parses.
public struct Evidence: Hashable, Sendable, WireField {
    /// The platforms, each with the parts that it hands out.
    public enum Kind: UInt8, Hashable, Sendable, CaseIterable {
        /// Intel SGX: `quote`.
        case sgx = 1
        /// Intel TDX: `quote`; `ccel`, the event log.
        case tdx
        /// AMD SEV-SNP: `report`; `certificates`, the table of the GHCB specification.
        case snp
        /// TPM 2.0: `attest` (TPMS_ATTEST), `signature` (TPMT_SIGNATURE), `ak` (TPMT_PUBLIC), `pcrs` (``PCRValues``); `ek-certificate`
        /// (DER), `uefi-log` (TCG2), `ima-log` (binary), `ima-start` (the number of entries left out of it, 8 bytes, little-endian).
        case tpm
        /// A TPM of Azure's paravisor: the parts of ``tpm``, and `hcl-report`; `quote` or `certificates` of the platform below.
        case azureVTPM
        /// A GPU of NVIDIA: `report` (SPDM request and response), `certificates` (PEM).
        case nvidia
        /// A process that nothing protects; for tests alone: `report`, `signature`, `key`.
        ///
        /// The report has 108 bytes: the ASCII characters `PLINSIM1`, the version 1 as 4 bytes (little-endian), the report data (64), the
        /// SHA-256 of the enclave's program (32). The signature (64 bytes) is Ed25519's over the report, the key (32 bytes) the public one.
        case simulated = 255
    }

    public static let maximumListCount = 8

    public var kind = Kind.simulated
    public var parts: [Part] = []

    public init() {}

    public init(_ kind: Kind, _ parts: [String: [UInt8]]) {
        self.kind = kind
        self.parts = parts.sorted { $0.key < $1.key }.map { Part(name: $0.key, bytes: $0.value) }
    }

    /// The bytes of a part, `nil` if the platform left it out.
    public subscript(name: String) -> [UInt8]? { parts.first { $0.name == name }?.bytes }

    /// Bytes with a name.
    public struct Part: Hashable, Sendable, WireField {
        public var name = ""
        public var bytes: [UInt8] = []

        public init() {}

        public init(name: String, bytes: [UInt8]) {
            self.name = name
            self.bytes = bytes
        }

        mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
            try visit(&name)
            try visit.bytes(&bytes, atMost: WireLimit.evidencePart)
        }
    }

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit.choice(&kind)
        try visit(&parts)
    }
}

extension Evidence.Kind: CustomStringConvertible {
    public var description: String {
        switch self {
        case .sgx: "sgx"
        case .tdx: "tdx"
        case .snp: "sev-snp"
        case .tpm: "tpm"
        case .azureVTPM: "azure-vtpm"
        case .nvidia: "nvidia"
        case .simulated: "simulated"
        }
    }
}

/// All evidence of one enclave for one challenge, and what it binds.
///
/// A TEE's report data is the SHA-512 of the runtime data. A TPM's quote covers, as extra data, SHA-256("plinius/1/tpm" ‖ that SHA-512 ‖
/// SHA-256 of the TEE's quote or report, if there is one): each names the other, and both name the key.
public struct EvidenceBundle: Hashable, Sendable, WireField {
    /// The encoded ``RuntimeData``.
    public var runtimeData: [UInt8] = []
    /// Of each kind at most one.
    public var evidence: [Evidence] = []

    public init() {}

    public init(runtimeData: [UInt8], evidence: [Evidence]) {
        self.runtimeData = runtimeData
        self.evidence = evidence
    }

    /// Decodes what an enclave sent, to its last byte.
    /// - Throws: `WireError` with `malformed` or `oversized`.
    public init(decoding bytes: [UInt8]) throws(WireError) { self = try FieldReader.read(from: bytes) }

    public var encoded: [UInt8] { FieldWriter.payload(of: self) }

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit.bytes(&runtimeData, atMost: WireLimit.message)
        try visit(&evidence)
    }
}
