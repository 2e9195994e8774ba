public import PliniusWire
package import Yams

/// Under which conditions secrets are handed out: what has to be proved, what for, and to which run.
///
/// `docs/attestation-policy.md` describes the file. Nothing is granted by silence: whatever a policy does not name is refused, and what it
/// has to name is an error when it is read.
public struct Policy: Sendable {
    /// The version of the file's format.
    public static let formatVersion = 1
    /// What no policy with its lists comes near.
    package static let maximumByteCount = 16 << 20

    /// For findings and logs.
    public var name: Setting<String>
    public var level: Setting<SecurityLevel>
    /// What secrets may be used for.
    public var purposes: Setting<Set<RuntimeData.Purpose>>
    /// The kinds of evidence that each have to be there, and pass.
    public var evidence: Setting<Set<Evidence.Kind>>
    /// The networks that may be trained or used, by the SHA-256 of their canonical bytes; `nil` for any, where the policy says so.
    public var configDigests: Setting<Set<[UInt8]>?>
    /// The data sets that may be used, by their identifiers of 16 bytes; `nil` for any, where the policy says so.
    public var datasets: Setting<Set<[UInt8]>?>
    /// The runs that may go on, by what the pool calls them; any, if `nil`.
    public var runs: Setting<Set<String>>?
    /// Makers of TPMs whose certificates count, in DER; they belong into ``TrustAnchors/endorsement``.
    public var endorsementAnchors: Setting<[[UInt8]]>?
    /// Certificates between those makers and endorsement keys, in DER.
    public var endorsementIntermediates: Setting<[[UInt8]]>?
    /// Keys that may sign simulated evidence; they belong into ``TrustAnchors/simulated``.
    public var simulatedAnchors: Setting<[[UInt8]]>?

    public var sgx: Setting<SGXRequirements>?
    public var tdx: Setting<TDXRequirements>?
    public var snp: Setting<SNPRequirements>?
    public var nvidia: Setting<NVIDIARequirements>?
    public var tpm: Setting<TPMRequirements>?
    public var ima: Setting<IMARequirements>?
    public var simulated: Setting<SimulatedRequirements>?
    public var restart: Setting<RestartRequirements>?

    /// Every key that a policy may have, as the reader itself asks for it, in the order of their paths.
    public static var keys: [PolicyKey] {
        let reading = PolicyReading(file: "", isCatalogue: true) { _ in [] }
        var map = PolicyMap(reading, nil)
        _ = Policy(&map)
        return reading.keys.sorted()
    }

    /// Reads a policy file.
    /// - Parameters:
    ///   - file: Its name, for errors.
    ///   - resource: Reads a file that the policy names.
    /// - Throws: Everything that is wrong with it, line by line.
    public init(
        yaml: String, file: String, resource: @escaping (String) throws -> [UInt8]
    ) throws(PolicyErrors) {
        let reading = PolicyReading(file: file, resource: resource)
        var map = PolicyMap(reading, try Self.parse(yaml, file))
        let policy = Policy(&map)
        map.finish()
        self = try reading.finish(policy)
    }

    /// The keys and values of a file; `nil` if it is empty.
    /// - Throws: `PolicyErrors` if it is too long, or no YAML.
    package static func parse(_ yaml: String, _ file: String) throws(PolicyErrors) -> Node? {
        func errors(_ line: Int?, _ expected: String, _ found: String) -> PolicyErrors {
            PolicyErrors(errors: [PolicyError(file: file, line: line, key: "policy", expected: expected, found: found)])
        }
        guard yaml.utf8.count <= maximumByteCount else {
            throw errors(nil, "at most \(maximumByteCount) bytes", "\(yaml.utf8.count)")
        }
        let root: Node?
        do {
            root = try compose(yaml: yaml)
        } catch let error as YamlError {
            let line: Int? =
                switch error {
                case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _): mark.line
                case .duplicatedKeysInMapping(_, let context): context.mark.line
                default: nil
                }
            if case .duplicatedKeysInMapping(let keys, _) = error {
                throw errors(line, "each key once", "again: \(keys.joined(separator: ", "))")
            }
            throw errors(line, "YAML", "\(error)")
        } catch {
            throw errors(nil, "YAML", "\(error)")
        }
        guard root == nil || root?.mapping != nil || root?.scalar?.string.isEmpty == true else {
            throw errors(1, "keys and values", "something else")
        }
        return root
    }
}

// MARK: - The sections

extension Policy {
    private init?(_ map: inout PolicyMap) {
        let version = map.require(
            "version", "the format's version, \(Self.formatVersion)",
            map.integer("version", Self.formatVersion...Self.formatVersion))
        var head = Head()
        head.name = map.require("name", "a name for findings and logs", map.string("name"))
        let levels = Dictionary(uniqueKeysWithValues: SecurityLevel.allCases.map { ($0.rawValue, $0) })
        head.level = map.require(
            "level", "one of \(levels.keys.sorted().joined(separator: ", "))", map.choice("level", levels))
        let purposeNames = Dictionary(uniqueKeysWithValues: RuntimeData.Purpose.allCases.map { ("\($0)", $0) })
        head.purposes = map.require(
            "purposes", "what secrets may be used for", map.choices("purposes", purposeNames))
        head.configDigests = map.require("configs", "digests of networks, or any", map.bytesOrAny("configs", 32))
        head.datasets = map.require("datasets", "identifiers of data sets, or any", map.bytesOrAny("datasets", 16))
        head.runs = map.strings("runs").map { Setting(Set($0.value), $0.line) }
        let granted = head.purposes?.value ?? []
        head.restart = map.map("restart") { RestartRequirements(&$0, granted) }
        self.init(environment: &map, head)
        guard version != nil else { return nil }
    }

    /// What a policy says beside the environment that it asks for.
    package struct Head {
        package var name: Setting<String>?
        package var level: Setting<SecurityLevel>?
        package var purposes: Setting<Set<RuntimeData.Purpose>>?
        package var configDigests: Setting<Set<[UInt8]>?>?
        package var datasets: Setting<Set<[UInt8]>?>?
        package var runs: Setting<Set<String>>?
        package var restart: Setting<RestartRequirements>?

        package init() {}
    }

    /// Reads what a run's surroundings have to prove.
    /// - Returns: `nil` if that, or the head, is not complete; an error was noted then.
    package init?(environment map: inout PolicyMap, _ head: Head) {
        let kinds = Dictionary(uniqueKeysWithValues: Evidence.Kind.allCases.map { ($0.description, $0) })
        let evidence = map.require(
            "evidence", "the kinds of evidence that have to pass", map.choices("evidence", kinds))
        let anchors = map.map("anchors") { section in
            (
                endorsement: section.files("endorsement") { bytes throws(EvidenceError) in
                    try ParsedCertificate.parse(certificates: bytes)
                },
                intermediates: section.files("intermediates") { bytes throws(EvidenceError) in
                    try ParsedCertificate.parse(certificates: bytes)
                }, simulated: section.byteLists("simulated", [32])
            )
        }
        let sgx = map.map("sgx") { SGXRequirements(&$0) }
        let tdx = map.map("tdx") { TDXRequirements(&$0) }
        let snp = map.map("snp") { SNPRequirements(&$0) }
        let nvidia = map.map("nvidia") { NVIDIARequirements(&$0) }
        let tpm = map.map("tpm") { TPMRequirements(&$0, evidence?.value ?? []) }
        let ima = map.map("ima") { IMARequirements(&$0) }
        let simulated = map.map("simulated") { SimulatedRequirements(&$0, level: head.level) }

        guard let name = head.name, let level = head.level, let purposes = head.purposes, let evidence,
            let configDigests = head.configDigests, let datasets = head.datasets
        else { return nil }
        self.name = name
        self.level = level
        self.purposes = purposes
        self.evidence = evidence
        self.configDigests = configDigests
        self.datasets = datasets
        runs = head.runs
        endorsementAnchors = anchors?.value.endorsement.map { Setting($0.value.flatMap { $0 }, $0.line) }
        endorsementIntermediates = anchors?.value.intermediates.map { Setting($0.value.flatMap { $0 }, $0.line) }
        simulatedAnchors = anchors?.value.simulated
        self.sgx = sgx
        self.tdx = tdx
        self.snp = snp
        self.nvidia = nvidia
        self.tpm = tpm
        self.ima = ima
        self.simulated = simulated
        restart = head.restart
        checkSections(map)
    }

    /// Holds level, kinds of evidence and sections together: what has to pass has to say what may.
    private func checkSections(_ map: PolicyMap) {
        let sections: [(name: String, kinds: Set<Evidence.Kind>, line: PolicyLine?)] = [
            ("sgx", [.sgx], sgx?.line), ("tdx", [.tdx], tdx?.line), ("snp", [.snp], snp?.line),
            ("nvidia", [.nvidia], nvidia?.line), ("tpm", [.tpm, .azureVTPM], tpm?.line),
            ("simulated", [.simulated], simulated?.line),
        ]
        if evidence.value.isEmpty {
            map.refuse("evidence", evidence.line.line, "at least one kind of evidence", "none")
        }
        for section in sections {
            let isDemanded = !section.kinds.isDisjoint(with: evidence.value)
            // What runs below Azure's paravisor is SEV-SNP or TDX.
            let isBelow = ["snp", "tdx"].contains(section.name) && evidence.value.contains(.azureVTPM)
            if isDemanded && section.line == nil {
                map.refuse("evidence", evidence.line.line, "a section \(section.name) that says what may run", "none")
            } else if !isDemanded, !isBelow, let line = section.line {
                map.refuse(
                    section.name, line.line, "the kind among those of the key evidence", "a section without effect")
            }
        }
        if evidence.value.contains(.azureVTPM), snp == nil, tdx == nil {
            map.refuse("evidence", evidence.line.line, "a section snp or tdx for what runs below azure-vtpm", "neither")
        }
        if let endorsement = tpm?.value.endorsement, endorsement.value, evidence.value.contains(.azureVTPM),
            !evidence.value.contains(.tpm)
        {
            map.refuse(
                "tpm.endorsement", endorsement.line.line,
                "tpm among the key evidence: no maker certifies a TPM that a paravisor emulates", "azure-vtpm alone")
        }
        for alternatives in level.value.demandedKinds where alternatives.isDisjoint(with: evidence.value) {
            map.refuse(
                "evidence", evidence.line.line,
                "one of \(alternatives.map(\.description).sorted().joined(separator: ", ")) for the level \(level.value.rawValue)",
                "none of them")
        }
        if level.value != .test, evidence.value.contains(.simulated) {
            map.refuse(
                "evidence", evidence.line.line, "simulated at the level test alone", "level \(level.value.rawValue)")
        }
        if level.value == .trustedSystem, ima == nil {
            map.refuse("ima", level.line.line, "a section ima for the level \(level.value.rawValue)", "none")
        }
        if let ima, evidence.value.isDisjoint(with: [.tpm, .azureVTPM]) {
            map.refuse("ima", ima.line.line, "tpm or azure-vtpm as evidence, whose register proves the log", "neither")
        }
    }
}

extension PolicyMap {
    /// A list of bytes, or the word that lets any pass.
    fileprivate mutating func bytesOrAny(_ name: String, _ count: Int) -> Setting<Set<[UInt8]>?>? {
        let type = "\(count) bytes in hexadecimal, or any"
        let list = list(name, type) { text -> [UInt8]? in
            if text == "any" { return [] }
            return PliniusVerifier.bytes(hexadecimal: text.utf8).flatMap { $0.count == count ? $0 : nil }
        }
        guard let list else { return nil }
        guard list.value.contains([]) else { return Setting(Set(list.value), list.line) }
        guard list.value.count == 1 else {
            refuse(name, list.line.line, "either any or a list", "both")
            return nil
        }
        return Setting(nil, list.line)
    }
}

extension ParsedCertificate {
    /// The certificates of a file, in PEM or in DER.
    fileprivate static func parse(certificates bytes: [UInt8]) throws(EvidenceError) -> [[UInt8]] {
        if bytes.first == 0x30 { return [try ParsedCertificate(der: bytes).der] }
        return try parse(pem: bytes).map(\.der)
    }
}
