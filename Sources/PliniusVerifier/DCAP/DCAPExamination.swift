import Crypto
import FoundationEssentials

extension Examination {
    /// Carries out what every quote needs: its signatures up to Intel's root, and what Intel says of the platform.
    /// - Throws: the check without which nothing after it makes sense: a certificate that cannot be read.
    mutating func checkQuote(
        _ quote: DCAPQuote, _ requirements: IntelTCBRequirements, _ context: Context
    ) throws(EvidenceError) -> IntelTCBClaims {
        let tee = quote.tee
        check(
            tee.check("quote.padding"), quote.padding.allSatisfy { $0 == 0 },
            expected: "nothing but zeros after the quote",
            found: quote.padding.isEmpty ? "nothing" : "\(quote.padding.count) bytes",
            tolerance: requirements.toleratesTrailingBytes?.tolerance)
        check(
            tee.check("quote.vendor"), quote.vendorID == DCAPQuote.intelVendorID,
            expected: hexadecimal(DCAPQuote.intelVendorID), found: hexadecimal(quote.vendorID))

        let chain = try certificates(of: quote.certificates, tee.check("pck.format"))
        let leaf = chain[0]
        check(
            tee.check("pck.subject"), leaf.commonName == "Intel SGX PCK Certificate",
            expected: "Intel SGX PCK Certificate", found: leaf.commonName ?? "no common name")
        guard let value = leaf.extension(PCKExtension.oid)?.value else {
            throw EvidenceError(
                tee.check("pck.extension"), expected: "the extension \(PCKExtension.oid)", found: "none")
        }
        let platform = try PCKExtension(value, check: tee.check("pck.extension"))

        let collateral = context.collateral.intel.best(
            for: platform, issuer: leaf.issuer, of: tee,
            mayBeAbsent: requirements.toleratesAbsentCollateral?.value == true)
        check(
            tee.check("collateral.present"), collateral != nil,
            expected: "collateral for \(tee.tcbInfoID) platforms of FMSPC \(hexadecimal(platform.fmspc))",
            found: collateral == nil ? "none among \(context.collateral.intel.count): import it" : "found",
            tolerance: requirements.toleratesAbsentCollateral?.tolerance)
        let revocations = collateral.flatMap { revocationLists(of: $0, tee) }

        _ = checkChain(
            tee.check("pck"), leaf: leaf, intermediates: Array(chain.dropFirst()), anchors: context.anchors.intel,
            revocationLists: revocations, at: context.now)
        checkSignatures(of: quote, platformKey: leaf.publicKey)

        var claims = IntelTCBClaims()
        claims.ppid = platform.ppid
        claims.fmspc = hexadecimal(platform.fmspc)
        if let collateral {
            try checkStatus(of: quote, platform, collateral, revocations, requirements, context, &claims)
        }
        return claims
    }

    /// The certificates of a chain, leaf first; at least one.
    private func certificates(of pem: [UInt8], _ check: String) throws(EvidenceError) -> [ParsedCertificate] {
        let chain: [ParsedCertificate]
        do throws(EvidenceError) {
            chain = try ParsedCertificate.parse(pem: pem)
        } catch {
            throw EvidenceError(check, expected: error.expected, found: error.found)
        }
        guard (1...8).contains(chain.count) else {
            throw EvidenceError(check, expected: "1 to 8 certificates", found: "\(chain.count)")
        }
        return chain
    }

    /// Both lists of collateral, or a failed check.
    private mutating func revocationLists(of collateral: IntelCollateral, _ tee: IntelTEE) -> [RevocationList]? {
        do throws(EvidenceError) {
            return [
                try RevocationList(der: collateral.rootRevocationList),
                try RevocationList(der: collateral.pckRevocationList),
            ]
        } catch {
            check(tee.check("collateral.revocation-lists"), false, expected: error.expected, found: error.found)
            return nil
        }
    }

    /// From the platform's key to the quote's body.
    private mutating func checkSignatures(of quote: DCAPQuote, platformKey: PublicKey) {
        let tee = quote.tee
        check(
            tee.check("qe.signature"),
            platformKey.holds(signature: quote.qeReportSignature, over: quote.qeReportBytes),
            expected: "a signature of the platform's key over the quoting enclave's report", found: "r ‖ s")
        let binding = HashAlgorithm.sha256.hash(quote.attestationKey + quote.qeAuthenticationData)
        // The rest of the report data is unused, and zero.
        check(
            tee.check("qe.binding"), quote.qeReport.reportData == binding + [UInt8](repeating: 0, count: 32),
            expected: "the digest \(hexadecimal(binding)) of the quote's key in the quoting enclave's report",
            found: hexadecimal(quote.qeReport.reportData))
        let key = try? P256.Signing.PublicKey(rawRepresentation: quote.attestationKey)
        check(
            tee.check("quote.signature"),
            key.map { PublicKey.p256($0).holds(signature: quote.signature, over: quote.signedBytes) } ?? false,
            expected: "a signature of the quote's key over header and body",
            found: key == nil ? "a key that is no point of P-256" : "r ‖ s")
    }

    /// What Intel says of the platform and of the enclave that signed, as far as its own signatures hold.
    private mutating func checkStatus(
        of quote: DCAPQuote, _ platform: PCKExtension, _ collateral: IntelCollateral, _ revocations: [RevocationList]?,
        _ requirements: IntelTCBRequirements, _ context: Context, _ claims: inout IntelTCBClaims
    ) throws(EvidenceError) {
        let tee = quote.tee
        let infoHolds = try checkSignature(
            tee.check("tcbinfo"), collateral.tcbInfo, collateral.tcbInfoSignature, collateral.tcbInfoIssuerChain,
            revocations, context)
        let identityHolds = try checkSignature(
            tee.check("qeidentity"), collateral.qeIdentity, collateral.qeIdentitySignature,
            collateral.qeIdentityIssuerChain, revocations, context)
        guard infoHolds, identityHolds else { return }

        let info = try TCBInfo(json: collateral.tcbInfo, check: tee.check("tcbinfo.format"))
        checkStatement(tee.check("tcbinfo"), info, id: tee.tcbInfoID, requirements, context)
        let identity = try QEIdentity(json: collateral.qeIdentity, check: tee.check("qeidentity.format"))
        checkStatement(tee.check("qeidentity"), identity, id: tee.qeIdentityID, requirements, context)
        check(
            tee.check("tcb.fmspc"), info.fmspc.bytes == platform.fmspc, expected: hexadecimal(platform.fmspc),
            found: hexadecimal(info.fmspc.bytes))
        check(
            tee.check("tcb.pceid"), info.pceId.bytes == platform.pceID, expected: hexadecimal(platform.pceID),
            found: hexadecimal(info.pceId.bytes))
        let enclave = try checkQuotingEnclave(quote, identity)
        if case .domain(let report) = quote.body { try checkModule(report, info) }

        let evaluation = try TCBEvaluation(info, platform: platform, quote: quote, quotingEnclave: enclave)
        check(
            tee.check("tcb.level"), true, expected: "a level that Intel knows",
            found: "the level of \(evaluation.level.tcbDate.instant)")
        claims.status = evaluation.status
        claims.advisories = evaluation.advisories
        claims.evaluationNumber = min(info.tcbEvaluationDataNumber, identity.tcbEvaluationDataNumber)
        checkStatus(evaluation, requirements, tee.check("tcb.status"))
    }

    /// Who signed a statement of Intel's, and whether.
    private mutating func checkSignature(
        _ name: String, _ text: String, _ signature: [UInt8], _ pem: String, _ revocations: [RevocationList]?,
        _ context: Context
    ) throws(EvidenceError) -> Bool {
        let chain = try certificates(of: Array(pem.utf8), "\(name).signer.format")
        let leads = checkChain(
            "\(name).signer", leaf: chain[0], intermediates: Array(chain.dropFirst()), anchors: context.anchors.intel,
            revocationLists: revocations, at: context.now)
        let signer = chain[0].commonName
        let isSigner = check(
            "\(name).signer.subject", signer == "Intel SGX TCB Signing", expected: "Intel SGX TCB Signing",
            found: signer ?? "no common name")
        let holds = check(
            "\(name).signature", chain[0].publicKey.holds(signature: signature, over: Array(text.utf8)),
            expected: "a signature over the exact text", found: "r ‖ s")
        return leads != nil && isSigner && holds
    }

    /// Whether a statement is of the right kind, in date and new enough.
    private mutating func checkStatement(
        _ name: String, _ statement: some IntelStatement, id: String, _ requirements: IntelTCBRequirements,
        _ context: Context
    ) {
        let known = type(of: statement).knownVersion
        check(
            "\(name).kind", statement.id == id && statement.version == known, expected: "\(id), version \(known)",
            found: "\(statement.id), version \(statement.version)")
        let (start, end) = (statement.issueDate.instant, statement.nextUpdate.instant)
        check(
            "\(name).validity", start <= context.now && context.now <= end,
            expected: "\(context.now) in its window: import newer collateral",
            found: "\(start) to \(end)")
        if let minimum = requirements.minimumEvaluationNumber {
            check(
                "\(name).evaluation", statement.tcbEvaluationDataNumber >= minimum.value,
                expected: "evaluation number \(minimum.value) or later", found: "\(statement.tcbEvaluationDataNumber)",
                askedBy: minimum.line)
        }
    }

    /// Whether the enclave that signed the quote is the one that Intel describes.
    /// - Returns: The level that it reaches.
    private mutating func checkQuotingEnclave(
        _ quote: DCAPQuote, _ identity: QEIdentity
    ) throws(EvidenceError) -> SVNLevel {
        let (tee, report) = (quote.tee, quote.qeReport)
        check(
            tee.check("qe.mrsigner"), report.mrsigner == identity.mrsigner.bytes,
            expected: hexadecimal(identity.mrsigner.bytes), found: hexadecimal(report.mrsigner))
        check(
            tee.check("qe.isvprodid"), report.isvProdID == identity.isvprodid, expected: "\(identity.isvprodid)",
            found: "\(report.isvProdID)")
        // JSON writes the number's digits, the report its bytes, lowest first.
        let select = (0..<4).map { UInt8(truncatingIfNeeded: report.miscSelect >> (8 * UInt32(3 - $0))) }
        checkMasked(tee.check("qe.miscselect"), select, identity.miscselect, identity.miscselectMask)
        checkMasked(tee.check("qe.attributes"), report.attributes, identity.attributes, identity.attributesMask)
        guard let level = identity.tcbLevels.first(where: { $0.tcb.isvsvn <= report.isvSVN }) else {
            throw EvidenceError(
                tee.check("qe.level"), expected: "a quoting enclave that reaches a level of its identity",
                found: "SVN \(report.isvSVN)")
        }
        check(
            tee.check("qe.level"), true, expected: "a level that Intel knows",
            found: "SVN \(report.isvSVN), \(level.tcbStatus.rawValue)")
        return level
    }

    /// Whether the TDX module is one that Intel describes.
    private mutating func checkModule(_ report: TDReportBody, _ info: TCBInfo) throws(EvidenceError) {
        let (signer, attributes, mask): (IntelOctets, IntelOctets, IntelOctets)
        if report.teeTCBSVN[1] > 0 {
            let identity = try TCBEvaluation.moduleIdentity(report.teeTCBSVN, info)
            (signer, attributes, mask) = (identity.mrsigner, identity.attributes, identity.attributesMask)
        } else {
            guard let module = info.tdxModule else {
                throw EvidenceError(
                    "tdx.module.identity", expected: "the identity of TDX modules in the TCB info", found: "none")
            }
            (signer, attributes, mask) = (module.mrsigner, module.attributes, module.attributesMask)
        }
        check(
            "tdx.module.mrsigner", report.mrsignerSeam == signer.bytes, expected: hexadecimal(signer.bytes),
            found: hexadecimal(report.mrsignerSeam))
        checkMasked("tdx.module.attributes", report.seamAttributes, attributes, mask)
    }

    private mutating func checkMasked(
        _ name: String, _ bytes: [UInt8], _ expected: IntelOctets, _ mask: IntelOctets
    ) {
        let fits = bytes.count == mask.bytes.count && bytes.count == expected.bytes.count
        check(
            name, fits && zip(bytes, mask.bytes).map { $0 & $1 } == expected.bytes,
            expected: "\(hexadecimal(expected.bytes)) under the mask \(hexadecimal(mask.bytes))",
            found: hexadecimal(bytes))
    }

    /// Whether the merged status is good enough.
    private mutating func checkStatus(
        _ evaluation: TCBEvaluation, _ requirements: IntelTCBRequirements, _ name: String
    ) {
        let accepted = requirements.advisories?.value ?? []
        let open = evaluation.advisories.filter { !accepted.contains($0) }
        let isTolerated =
            evaluation.status != .revoked && requirements.tolerate?.value.contains(evaluation.status) == true
            && open.isEmpty
        let advisories = evaluation.advisories.isEmpty ? "" : " with " + evaluation.advisories.joined(separator: ", ")
        let rest =
            open.isEmpty || evaluation.status == .upToDate ? "" : "; not accepted: " + open.joined(separator: ", ")
        check(
            name, evaluation.status == .upToDate, expected: TCBStatus.upToDate.rawValue,
            found: evaluation.status.rawValue + advisories + rest,
            tolerance: isTolerated ? requirements.tolerate?.line : nil)
    }
}

extension PublicKey {
    /// Whether r ‖ s is a signature of this key, if it is one of P-256, with SHA-256: the only kind in quotes and what belongs to them.
    func holds(signature: [UInt8], over message: [UInt8]) -> Bool {
        guard case .p256(let key) = self,
            let signature = try? P256.Signing.ECDSASignature(rawRepresentation: signature)
        else { return false }
        return key.isValidSignature(signature, for: message)
    }
}

extension [IntelCollateral] {
    /// The one that seems to be meant for a platform; of several, one whose revocation list is by the authority that certified the
    /// platform, then the one issued last, then the one imported last.
    ///
    /// Nothing is believed here: the text is looked at only to choose, and what is chosen goes through every check. If none fits, one that
    /// does not is chosen, so that the finding says in which way; none at all if a policy lets evidence pass without.
    func best(
        for platform: PCKExtension, issuer: [UInt8], of tee: IntelTEE, mayBeAbsent: Bool
    ) -> IntelCollateral? {
        let family = hexadecimal(platform.fmspc).uppercased()
        func isOfKind(_ collateral: IntelCollateral) -> Bool { collateral.tcbInfo.contains("\"\(tee.tcbInfoID)\"") }
        func isOfFamily(_ collateral: IntelCollateral) -> Bool { collateral.tcbInfo.uppercased().contains(family) }
        let fitting = filter { isOfKind($0) && isOfFamily($0) }
        if let choice = fitting.filter({ $0.pckIssuer == issuer }).lastIssued ?? fitting.lastIssued { return choice }
        if mayBeAbsent { return nil }
        return last { isOfFamily($0) } ?? last { isOfKind($0) } ?? last
    }

    /// The one whose TCB info states the latest date, and the last of those.
    private var lastIssued: IntelCollateral? {
        let dates = map(\.statedIssueDate)
        return indices.max { (dates[$0], $0) < (dates[$1], $1) }.map { self[$0] }
    }
}

extension IntelCollateral {
    /// The DER of the name of whose revocation list of platforms it has.
    fileprivate var pckIssuer: [UInt8]? { try? RevocationList(der: pckRevocationList).issuer }

    /// When the TCB info says it was issued; before everything if it does not say.
    fileprivate var statedIssueDate: Instant {
        struct Dated: Decodable { var issueDate: IntelTime }
        let dated = try? JSONDecoder().decode(Dated.self, from: Data(tcbInfo.utf8))
        return dated?.issueDate.instant ?? Instant(seconds: .min)
    }
}
