package import PliniusWire

/// Judges a report of SEV-SNP.
///
/// | Check | Holds if |
/// |---|---|
/// | `snp.report.format`, `snp.certificates.format` | the parts can be read, to their last byte |
/// | `snp.report.signer` | a key signed, with ECDSA P-384, and neither is it hidden nor are others than the policy's meant |
/// | `snp.certificate.present` | the key's certificate is there, in the evidence or the collateral |
/// | `snp.certificate.chain`, `.validity`, `.signature`, `.constraints` | the certificate leads to an anchor |
/// | `snp.certificate.revocation` | lists are there and in date, and none names a certificate; or their absence is tolerated |
/// | `snp.certificate.kind` | the certificate and its authority are of the kind of key that the report names |
/// | `snp.certificate.product` | certificate, root key and processor are of one product line, which the policy allows |
/// | `snp.report.signature` | the certificate's key signed the report |
/// | `snp.certificate.tcb` | the key is for the versions that the report states |
/// | `snp.certificate.chip` | the key is of the chip that the report states; not for loaded keys |
/// | `snp.certificate.cloud` | the loaded key is a cloud's that the policy lists |
/// | `snp.policy.debug`, `snp.policy.migration` | neither is allowed, or it is tolerated; no agent is bound |
/// | `snp.policy.reserved`, `.permitted`, `.required`, `.abi` | the guest's policy is understood, and as the owner's says |
/// | `snp.vmpl` | the report was asked for at the right privilege level |
/// | `snp.measurement`, `.hostdata`, `.idkeydigest`, `.authorkeydigest`, `.familyid`, `.imageid`, `.chipid` | listed |
/// | `snp.guestsvn`, `snp.tcb.*`, `snp.launch-tcb.*`, `snp.firmware` | at least as new as the policy says; committed |
/// | `snp.platform.permitted`, `.required`, `snp.mitigations.launch`, `.current` | as the policy says |
///
/// - Throws: the check that failed, where nothing can be judged after it.
package func examineSNP(
    _ evidence: Evidence, _ requirements: SNPRequirements, _ context: Context, _ examination: inout Examination
) throws(EvidenceError) -> SNPClaims {
    let report = try SNPReport(evidence.part("report", "snp.report.format"))
    let certificates = try evidence["certificates"].map { bytes throws(EvidenceError) in try SNPCertificates(bytes).all
    }
    let signer = try examination.checkSigner(report, requirements)
    let (product, cloud) = try examination.checkCertificates(report, signer, certificates ?? [], requirements, context)
    examination.checkPolicy(report, requirements)
    examination.checkIdentity(report, requirements)
    examination.checkPlatform(report, product, requirements)
    return SNPClaims(report, product, signer, cloud: cloud)
}

extension Examination {
    fileprivate mutating func checkSigner(
        _ report: SNPReport, _ requirements: SNPRequirements
    ) throws(EvidenceError) -> SNPSigner {
        let allowed = requirements.signers?.value ?? SNPSigner.allCases
        let expected = "a report that a key of kind \(allowed.map(\.rawValue).joined(separator: " or ")) signed"
        guard let signer = SNPSigner(signingKey: report.signingKey), !report.isChipKeyMasked,
            report.signatureAlgorithm == 1
        else {
            throw EvidenceError(
                "snp.report.signer", expected: expected,
                found: "signing key \(report.signingKey), \(report.isChipKeyMasked ? "hidden, " : "")"
                    + "algorithm \(report.signatureAlgorithm)")
        }
        check(
            "snp.report.signer", allowed.contains(signer), expected: expected, found: signer.rawValue,
            askedBy: requirements.signers?.line)
        return signer
    }

    /// From the root key to the report.
    fileprivate mutating func checkCertificates(
        _ report: SNPReport, _ signer: SNPSigner, _ own: [ParsedCertificate], _ requirements: SNPRequirements,
        _ context: Context
    ) throws(EvidenceError) -> (product: SNPProduct, cloud: String?) {
        let imported = context.collateral.amdCertificates.compactMap { try? ParsedCertificate(der: $0) }
        guard let leaf = Self.certificate(for: report, signer, own, imported) else {
            throw EvidenceError(
                "snp.certificate.present", expected: "a certificate of \(signer.commonName)",
                found: "none in the evidence, none imported for this chip and its versions")
        }
        check("snp.certificate.present", true, expected: "a certificate of \(signer.commonName)", found: "\(leaf)")
        let fields = SNPCertificateFields(leaf)

        var lists: [RevocationList]?
        if context.collateral.amdRevocationLists.isEmpty {
            check(
                "snp.certificate.revocation", false, expected: "AMD's revocation lists", found: "none: import them",
                tolerance: requirements.toleratesAbsentRevocationLists?.tolerance)
        } else {
            lists = try context.collateral.amdRevocationLists.map { list throws(EvidenceError) in
                try RevocationList(der: list)
            }
        }
        let authorities = (own + imported + AMDCertificates.authorities).filter {
            $0 != leaf && $0.subject == leaf.issuer
        }
        let chain = checkChain(
            "snp.certificate", leaf: leaf, intermediates: authorities, anchors: context.anchors.amd,
            revocationLists: lists, at: context.now)
        let product = try checkProduct(report, fields, root: chain?.last, requirements)
        let names = [leaf.commonName, leaf.issuer == chain?.dropFirst().first?.subject ? chain?[1].commonName : nil]
        check(
            "snp.certificate.kind", names == [signer.commonName, signer.authority(product)],
            expected: "\(signer.commonName) under \(signer.authority(product))",
            found: names.map { $0 ?? "nobody who was believed" }.joined(separator: " under "))
        check(
            "snp.report.signature",
            leaf.publicKey.isValid(report.signature, over: report.signedBytes, .ecdsaRaw(.sha384)),
            expected: "a signature with the key of \(leaf)", found: hexadecimal(report.signature))
        check(
            "snp.certificate.tcb", fields.matches(report.reportedTCB, product),
            expected: "a key for the versions \(report.reportedTCB)",
            found: SNPComponent.allCases.compactMap { component in
                fields.versions[component].map { "\(component.rawValue) \($0)" }
            }.joined(separator: ", "))
        if signer == .chip {
            let isMasked = report.chipID.allSatisfy { $0 == 0 }
            check(
                "snp.certificate.chip", fields.matches(chipID: report.chipID, product),
                expected: fields.chipID.map { hexadecimal($0) } ?? "a certificate that names its chip",
                found: isMasked ? "hidden by the host" : hexadecimal(report.chipID),
                tolerance: isMasked ? requirements.toleratesMaskedChipID?.tolerance : nil)
        }
        if let clouds = requirements.clouds {
            check(
                "snp.certificate.cloud", fields.cloud.map { signer == .loaded && clouds.value.contains($0) } ?? false,
                expected: clouds.value.isEmpty ? "one of none" : clouds.value.joined(separator: " or "),
                found: fields.cloud ?? "a key of no cloud", askedBy: clouds.line)
        }
        return (product, signer == .loaded ? fields.cloud : nil)
    }

    /// The certificate of the key that a report says it is signed with: the evidence's own, or an imported one for this very platform.
    private static func certificate(
        for report: SNPReport, _ signer: SNPSigner, _ own: [ParsedCertificate], _ imported: [ParsedCertificate]
    ) -> ParsedCertificate? {
        func isLeaf(_ certificate: ParsedCertificate) -> Bool {
            SNPSigner.allCases.contains { $0.commonName == certificate.commonName }
        }
        // One of the wrong kind is judged, and named, rather than passed over.
        return own.first { $0.commonName == signer.commonName } ?? own.first(where: isLeaf)
            ?? imported.first { certificate in
                let fields = SNPCertificateFields(certificate)
                guard certificate.commonName == signer.commonName, let product = fields.product else { return false }
                return fields.matches(report.reportedTCB, product)
                    && (signer == .loaded || fields.matches(chipID: report.chipID, product))
            }
    }

    private mutating func checkProduct(
        _ report: SNPReport, _ fields: SNPCertificateFields, root: ParsedCertificate?, _ requirements: SNPRequirements
    ) throws(EvidenceError) -> SNPProduct {
        guard let product = fields.product else {
            throw EvidenceError(
                "snp.certificate.product",
                expected: SNPProduct.allCases.map(\.rawValue).joined(separator: " or "), found: fields.productName)
        }
        let processor = report.processor.map { SNPProduct($0) }
        check(
            "snp.certificate.product",
            (processor == nil || processor == .some(product))
                && (root == nil || root?.commonName == "ARK-\(product.rawValue)")
                && requirements.products?.value.contains(product) ?? true,
            expected: (requirements.products?.value.map(\.rawValue) ?? ["one product line"]).joined(separator: " or "),
            found: "a certificate of \(fields.productName), under \(root?.commonName ?? "nobody who was believed")"
                + (report.processor.map { ", a processor of \($0)" } ?? ""),
            askedBy: requirements.products?.line)
        return product
    }

    /// What the guest's policy allows and asks for.
    fileprivate mutating func checkPolicy(_ report: SNPReport, _ requirements: SNPRequirements) {
        let policy = report.policy
        check(
            "snp.policy.reserved", policy.contains(.reserved) && policy.isSubset(of: .known),
            expected: "a policy whose bits this build knows", found: "0x\(String(policy.rawValue, radix: 16))")
        check(
            "snp.policy.debug", !policy.contains(.debug), expected: "no debugging",
            found: policy.contains(.debug) ? "a guest for debugging" : "none",
            tolerance: requirements.toleratesDebug?.tolerance)
        let hasAgent = policy.contains(.migrationAgent) || report.reportIDMA.contains { $0 != 255 }
        check(
            "snp.policy.migration", !hasAgent, expected: "no migration agent",
            found: hasAgent ? "one is allowed, or bound as \(hexadecimal(report.reportIDMA))" : "none",
            tolerance: requirements.toleratesMigrationAgent?.tolerance)
        checkBits(
            "snp.policy.permitted",
            policy.intersection(.permissions).subtracting([.debug, .migrationAgent]),
            atMost: requirements.permittedPolicy)
        checkBits("snp.policy.required", policy, atLeast: requirements.requiredPolicy)
        if let minimum = requirements.minimumABI {
            check(
                "snp.policy.abi", policy.minimumABI >= minimum.value, expected: "\(minimum.value) or later",
                found: "\(policy.minimumABI)", askedBy: minimum.line)
        }
        check(
            "snp.vmpl", report.vmpl == requirements.vmpl?.value ?? 0, expected: "\(requirements.vmpl?.value ?? 0)",
            found: "\(report.vmpl)", askedBy: requirements.vmpl?.line)
    }

    /// Which guest it is.
    fileprivate mutating func checkIdentity(_ report: SNPReport, _ requirements: SNPRequirements) {
        checkListed("snp.measurement", report.measurement, requirements.measurement)
        checkListed("snp.hostdata", report.hostData, requirements.hostData.alone)
        checkListed("snp.idkeydigest", report.idKeyDigest, requirements.idKeyDigest)
        if report.isAuthorKeyEnabled {
            checkListed("snp.authorkeydigest", report.authorKeyDigest, requirements.authorKeyDigest)
        } else if let author = requirements.authorKeyDigest {
            check(
                "snp.authorkeydigest", false, expected: "an author's key", found: "a key that nobody certified",
                askedBy: author.line)
        }
        checkListed("snp.familyid", report.familyID, requirements.familyID.alone)
        checkListed("snp.imageid", report.imageID, requirements.imageID.alone)
        checkListed("snp.chipid", report.chipID, requirements.chipID)
        if let minimum = requirements.minimumGuestSVN {
            check(
                "snp.guestsvn", report.guestSVN >= minimum.value, expected: "\(minimum.value) or later",
                found: "\(report.guestSVN)", askedBy: minimum.line)
        }
    }

    fileprivate mutating func checkPlatform(
        _ report: SNPReport, _ product: SNPProduct, _ requirements: SNPRequirements
    ) {
        checkMinimum("snp.tcb", report.reportedTCB, product, requirements.minimumTCB)
        checkMinimum("snp.launch-tcb", report.launchTCB, product, requirements.minimumLaunchTCB)
        if let committed = requirements.requiresCommittedFirmware, committed.value {
            check(
                "snp.firmware",
                report.currentTCB == report.committedTCB && report.currentFirmware == report.committedFirmware,
                expected: "what is committed: \(report.committedTCB), \(version(report.committedFirmware))",
                found: "\(report.currentTCB), \(version(report.currentFirmware))", askedBy: committed.line)
        }
        checkBits("snp.platform.permitted", report.platformInfo, atMost: requirements.permittedPlatform)
        checkBits("snp.platform.required", report.platformInfo, atLeast: requirements.requiredPlatform)
        for (name, found, asked) in [
            ("launch", report.launchMitigations, requirements.launchMitigations),
            ("current", report.currentMitigations, requirements.currentMitigations),
        ] {
            guard let asked else { continue }
            check(
                "snp.mitigations.\(name)", found.map { $0 & asked.value == asked.value } ?? false,
                expected: "at least the bits 0x\(String(asked.value, radix: 16))",
                found: found.map { "0x\(String($0, radix: 16))" } ?? "none in version \(report.version) of the report",
                askedBy: asked.line)
        }
    }

    private mutating func checkMinimum(
        _ name: String, _ tcb: SNPTCB, _ product: SNPProduct, _ minimum: Setting<[SNPComponent: UInt8]>?
    ) {
        guard let minimum else { return }
        for component in SNPComponent.allCases {
            guard let least = minimum.value[component] else { continue }
            let found = tcb[component, product]
            check(
                "\(name).\(component.rawValue)", found.map { $0 >= least } ?? false, expected: "\(least) or later",
                found: found.map { "\($0)" } ?? "\(product.rawValue) has none", askedBy: minimum.line)
        }
    }

    private mutating func checkBits<Bits: OptionSet & Sendable>(
        _ name: String, _ bits: Bits, atMost permitted: Setting<Bits>?
    ) where Bits.RawValue == UInt64 {
        guard let permitted else { return }
        check(
            name, bits.rawValue & ~permitted.value.rawValue == 0,
            expected: "no bits but 0x\(String(permitted.value.rawValue, radix: 16))",
            found: "0x\(String(bits.rawValue, radix: 16))", askedBy: permitted.line)
    }

    private mutating func checkBits<Bits: OptionSet & Sendable>(
        _ name: String, _ bits: Bits, atLeast required: Setting<Bits>?
    ) where Bits.RawValue == UInt64 {
        guard let required else { return }
        check(
            name, bits.rawValue & required.value.rawValue == required.value.rawValue,
            expected: "at least the bits 0x\(String(required.value.rawValue, radix: 16))",
            found: "0x\(String(bits.rawValue, radix: 16))", askedBy: required.line)
    }

    private func version(_ bytes: [UInt8]) -> String { bytes.map { "\($0)" }.joined(separator: ".") }
}
