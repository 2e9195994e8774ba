import FoundationEssentials
import PliniusWire

extension SGXRequirements {
    init(_ map: inout PolicyMap) {
        self.init()
        mrenclave = map.byteLists("mrenclave", [32])
        mrsigner = map.byteLists("mrsigner", [32])
        isvProdID = map.integer("isvProdID", UInt16.min...UInt16.max)
        minimumISVSVN = map.integer("minimumISVSVN", UInt16.min...UInt16.max)
        configID = map.bytes("configID", 64)
        minimumConfigSVN = map.integer("minimumConfigSVN", UInt16.min...UInt16.max)
        familyID = map.bytes("familyID", 16)
        extendedProductID = map.bytes("extendedProductID", 16)
        toleratesDebug = map.bool("toleratesDebug")
        tcb = map.map("tcb") { IntelTCBRequirements(&$0) }?.value ?? tcb
        if !map.has("mrenclave"), !map.has("mrsigner") {
            map.refuse("mrenclave or mrsigner, which say what may run", "neither")
        }
        if map.has("mrsigner"), !map.has("isvProdID") {
            map.refuse("isvProdID beside mrsigner, since a signer has many products", "none")
        }
    }
}

extension IntelTCBRequirements {
    init(_ map: inout PolicyMap) {
        self.init()
        let statuses = TCBStatus.allCases.filter { $0 != .revoked && $0 != .upToDate }
        tolerate = map.choices("tolerate", Dictionary(uniqueKeysWithValues: statuses.map { ($0.rawValue, $0) }))
        advisories = map.strings("advisories").map { Setting(Set($0.value), $0.line) }
        minimumEvaluationNumber = map.integer("minimumEvaluationNumber", 0...Int(Int32.max))
        toleratesAbsentCollateral = map.bool("toleratesAbsentCollateral")
        toleratesTrailingBytes = map.bool("toleratesTrailingBytes")
    }
}

extension TDXRequirements {
    init(_ map: inout PolicyMap) {
        self.init()
        mrtd = map.byteLists("mrtd", [48])
        mrconfigID = map.bytes("mrconfigID", 48)
        mrowner = map.bytes("mrowner", 48)
        mrownerConfig = map.bytes("mrownerConfig", 48)
        rtmr = map.table("rtmr", keys: "N", { PolicyMap.index($0, 0...3) }) {
            $0.byteLists($1, [48])
        }
        mrseam = map.byteLists("mrseam", [48])
        mrserviceTD = map.byteLists("mrserviceTD", [48])
        seamAttributes = map.bits("seamAttributes")
        tdAttributes = map.bits("tdAttributes")
        xfam = map.bits("xfam")
        toleratesDebug = map.bool("toleratesDebug")
        toleratesMigration = map.bool("toleratesMigration")
        bootLog = map.map("bootLog") { BootLogRequirements(&$0) }?.value
        tcb = map.map("tcb") { IntelTCBRequirements(&$0) }?.value ?? tcb
        if !map.has("mrtd") { map.refuse("mrtd, which says what may run", "none") }
    }
}

extension SNPRequirements {
    init(_ map: inout PolicyMap) {
        self.init()
        measurement = map.byteLists("measurement", [48])
        hostData = map.bytes("hostData", 32)
        idKeyDigest = map.byteLists("idKeyDigest", [48])
        authorKeyDigest = map.byteLists("authorKeyDigest", [48])
        familyID = map.bytes("familyID", 16)
        imageID = map.bytes("imageID", 16)
        minimumGuestSVN = map.integer("minimumGuestSVN", UInt32.min...UInt32.max)
        vmpl = map.integer("vmpl", 0...3)
        products = map.names("products")
        signers = map.names("signers")
        clouds = map.strings("clouds")
        chipID = map.byteLists("chipID", [64])
        permittedPolicy = map.flags("permittedPolicy", SNPGuestPolicy.permissionNames)
        requiredPolicy = map.flags("requiredPolicy", SNPGuestPolicy.restrictionNames)
        minimumABI = map.scalar("minimumABI", "version such as 1.55") { SNPABIVersion(policyText: $0) }
        permittedPlatform = map.flags("permittedPlatform", SNPPlatformInfo.names)
        requiredPlatform = map.flags("requiredPlatform", SNPPlatformInfo.names)
        minimumTCB = map.map("minimumTCB") { $0.componentVersions() }
        minimumLaunchTCB = map.map("minimumLaunchTCB") { $0.componentVersions() }
        requiresCommittedFirmware = map.bool("requiresCommittedFirmware")
        launchMitigations = map.integer("launchMitigations", UInt64.min...UInt64.max)
        currentMitigations = map.integer("currentMitigations", UInt64.min...UInt64.max)
        toleratesDebug = map.bool("toleratesDebug")
        toleratesMigrationAgent = map.bool("toleratesMigrationAgent")
        toleratesMaskedChipID = map.bool("toleratesMaskedChipID")
        toleratesAbsentRevocationLists = map.bool("toleratesAbsentRevocationLists")
        if !map.has("measurement") { map.refuse("measurement, which says what may run", "none") }
    }
}

extension NVIDIARequirements {
    init(_ map: inout PolicyMap) {
        self.init()
        // SPDM numbers measurements from 1 to 254.
        let rows = map.rows("measurements", keys: "N", { PolicyMap.index($0, 1...254) }) { $0.byteLists($1, [48]) }
        measurements = rows.map { rows in
            let values = rows.value.compactMap { key, values in Int(key).map { ($0, values.value) } }
            return Setting(Dictionary(uniqueKeysWithValues: values), rows.line)
        }
        driverVersions = map.strings("driverVersions")
        vbiosVersions = map.strings("vbiosVersions")
        toleratesAbsentRevocationLists = map.bool("toleratesAbsentRevocationLists")
        references = map.strings("references")
        toleratesAnyMeasurement = map.bool("toleratesAnyMeasurement")
        let isListed = map.hasContent("measurements") || map.hasContent("references")
        switch (isListed, toleratesAnyMeasurement?.value == true) {
        case (false, false):
            map.refuse(
                "measurements or references, which say what may run, or toleratesAnyMeasurement: true", "neither")
        case (true, true):
            map.refuse("either measurements and references or toleratesAnyMeasurement: true", "both")
        default: break
        }
    }
}

extension TPMRequirements {
    init(_ map: inout PolicyMap, _ evidence: Set<Evidence.Kind>) {
        self.init()
        akNames = map.byteSet("akNames", [34, 50, 66])
        permitsBareKey = map.bool("permitsBareKey")
        permitsSHA1 = map.bool("permitsSHA1")
        selection = map.table("selection", keys: "BANK", HashAlgorithm.init(policyName:)) { $0.integers($1, 0...23) }
        registers = map.banks("registers")
        resetCount = map.integer("resetCount", UInt32.min...UInt32.max)
        restartCount = map.integer("restartCount", UInt32.min...UInt32.max)
        minimumFirmware = map.integer("minimumFirmware", UInt64.min...UInt64.max)
        endorsement = map.bool("endorsement")
        bootLog = map.map("bootLog") { BootLogRequirements(&$0) }
        // The hardware vouches for the key of a TPM that Azure's paravisor emulates.
        if !map.has("akNames"), endorsement?.value != true, evidence != [.azureVTPM] {
            map.refuse("akNames or endorsement, which say whose TPM it may be", "neither")
        }
    }
}

extension BootLogRequirements {
    init(_ map: inout PolicyMap) {
        self.init()
        secureBoot = map.bool("secureBoot")
        permitsWeaknesses = map.bool("permitsWeaknesses")
        authorities = map.byteSet("authorities", [32])
        revocations = map.byteSet("revocations", [32])
        allowedDigests = map.table(
            "allowedDigests", keys: "N", { PolicyMap.index($0, 0...23) }
        ) {
            $0.byteSet($1, [20, 32, 48, 64])
        }
        references = map.strings("references")
        commandLines = map.patterns("commandLines")
        commands = map.patterns("commands")
        ignoredRegisters = map.integers("ignoredRegisters", 0...23)
        permitsSHA1 = map.bool("permitsSHA1")
    }
}

extension IMARequirements {
    init(_ map: inout PolicyMap) {
        self.init()
        generations = map.maps("generations") { Generation(&$0) }
        signers = map.maps("signers") { IMASigner.signers(&$0) }.map { Setting($0.value.flatMap { $0 }, $0.line) }
        excluded = map.patterns("excluded")
        toleratedViolations = map.patterns("toleratedViolations")
        permitsSHA1 = map.bool("permitsSHA1")
        permitsUnboundBoot = map.bool("permitsUnboundBoot")
        maximumPending = map.integer("maximumPending", 0...IMALog.Limit.entryCount)
        if !map.has("generations"), !map.has("signers") {
            map.refuse("generations or signers, which say what may be executed", "neither")
        }
    }
}

extension IMARequirements.Generation {
    init?(_ map: inout PolicyMap) {
        let name = map.require("name", "a name for findings", map.string("name"))
        let lists = map.files("lists") { bytes throws(EvidenceError) in
            try IMAAllowList(text: String(decoding: bytes, as: UTF8.self))
        }
        let references = map.strings("references")
        if !map.has("lists"), !map.has("references") {
            map.refuse("lists, files with a digest and a path in each line, or references", "neither")
        }
        let notBefore = map.instant("notBefore")
        let notAfter = map.instant("notAfter")
        guard let name, lists != nil || references != nil else { return nil }
        var union = IMAAllowList()
        for list in lists?.value ?? [] { union.formUnion(list) }
        self.init(name: name.value, list: union, notBefore: notBefore?.value, notAfter: notAfter?.value)
        self.references = references?.value ?? []
    }
}

extension IMASigner {
    /// The signers of one entry: one for each of its keys.
    static func signers(_ map: inout PolicyMap) -> [IMASigner]? {
        let name = map.require("name", "a name for findings", map.string("name"))
        let keys = map.require(
            "keys", "files with a public key in PEM or DER",
            map.files("keys") { bytes throws(EvidenceError) in
                try IMASigner(name: name?.value ?? "", publicKey: Self.der(bytes))
            })
        let keyIdentifier = map.bytes("keyIdentifier", 4)
        let paths = map.patterns("paths")
        let notBefore = map.instant("notBefore")
        let notAfter = map.instant("notAfter")
        return keys?.value.map { key in
            var signer = key
            signer.keyIdentifier = keyIdentifier?.value ?? key.keyIdentifier
            signer.paths = paths?.value ?? []
            signer.notBefore = notBefore?.value
            signer.notAfter = notAfter?.value
            return signer
        }
    }

    /// A key's bytes without their armour.
    private static func der(_ bytes: [UInt8]) -> [UInt8] {
        let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
        guard lines.first?.hasPrefix("-----BEGIN PUBLIC KEY") == true else { return bytes }
        let text = lines.dropFirst().prefix { !$0.hasPrefix("-----END") }.joined()
        return Data(base64Encoded: text).map(Array.init) ?? bytes
    }
}

extension SimulatedRequirements {
    init(_ map: inout PolicyMap, level: Setting<SecurityLevel>?) {
        self.init()
        self.level = level
        measurement = map.byteLists("measurement", [32])
        if !map.has("measurement") { map.refuse("measurement, which says what may run", "none") }
    }
}

// MARK: - Values of their own

extension HashAlgorithm {
    /// `sha256`.
    init?(policyName name: String) {
        guard let algorithm = Self.allCases.first(where: { $0.description == name }) else { return nil }
        self = algorithm
    }
}

extension SNPGuestPolicy {
    /// What a policy may allow a guest; debugging and migration are tolerated elsewhere.
    fileprivate static let permissionNames: [String: Self] = ["smt": .smt, "cxl": .cxl]
    /// What a policy may ask a guest to forgo.
    fileprivate static let restrictionNames: [String: Self] = [
        "singleSocket": .singleSocket, "memoryAES256XTS": .memoryAES256XTS, "raplDisabled": .raplDisabled,
        "ciphertextHiding": .ciphertextHiding, "pageSwapDisabled": .pageSwapDisabled,
    ]
}

extension SNPPlatformInfo {
    fileprivate static let names: [String: Self] = [
        "smt": .smt, "tsme": .tsme, "ecc": .ecc, "raplDisabled": .raplDisabled, "ciphertextHiding": .ciphertextHiding,
        "aliasCheckComplete": .aliasCheckComplete, "tio": .tio,
    ]
}

extension SNPABIVersion {
    /// `1.55`.
    fileprivate init?(policyText text: String) {
        let numbers = text.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        guard numbers.count == 2, let major = numbers[0], let minor = numbers[1] else { return nil }
        self.init(major: major, minor: minor)
    }
}

extension PolicyMap {
    /// Versions of what a platform of AMD's rests on, by component.
    fileprivate mutating func componentVersions() -> [SNPComponent: UInt8] {
        var versions: [SNPComponent: UInt8] = [:]
        for component in SNPComponent.allCases {
            versions[component] = integer(component.rawValue, UInt8.min...UInt8.max)?.value
        }
        return versions
    }

    /// Bits with a mask: `value: 0x7, mask: 0xf`; all bits count without one.
    fileprivate mutating func bits(_ name: String) -> Setting<BitPattern>? {
        let bits = map(name) { section -> BitPattern? in
            let value = section.require("value", "the bits", section.integer("value", UInt64.min...UInt64.max))
            let mask = section.integer("mask", UInt64.min...UInt64.max)
            return value.map { BitPattern($0.value, mask: mask?.value ?? .max) }
        }
        return bits.flatMap { bits in bits.value.map { Setting($0, bits.line) } }
    }

    /// Values of registers, by bank and index.
    fileprivate mutating func banks(_ name: String) -> [HashAlgorithm: [Int: Setting<Set<[UInt8]>>]] {
        table(name, keys: "BANK", HashAlgorithm.init(policyName:)) { map, bank in
            let counts = HashAlgorithm(policyName: bank).map { Set([$0.byteCount]) } ?? [20, 32, 48, 64]
            return map.table(bank, keys: "N", { PolicyMap.index($0, 0...23) }) {
                $0.byteSet($1, counts)
            }
        }
    }
}
