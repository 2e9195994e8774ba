package import PliniusWire
import SwiftASN1

/// Judges the measurements of a GPU.
///
/// | Check | Holds if |
/// |---|---|
/// | `nvidia.report.format`, `nvidia.certificates.format` | the parts can be read, to their last byte |
/// | `nvidia.certificate.chain`, `.validity`, `.signature`, `.constraints` | the first certificate leads to an anchor |
/// | `nvidia.certificate.revocation` | for certificates that say where lists are, lists are there and in date; or their absence is tolerated |
/// | `nvidia.report.signature` | the certificate's key signed request and response |
/// | `nvidia.certificate.fwid` | the certificate is for the firmware that the report states |
/// | `nvidia.measurement.N` | measurement N has one of the values that the policy lists |
/// | `nvidia.measurements` | the policy lists measurements, or tolerates any; without a policy nobody asks |
/// | `nvidia.driver`, `nvidia.vbios` | the version is listed |
///
/// - Throws: the check that failed, where nothing can be judged after it.
package func examineNVIDIA(
    _ evidence: Evidence, _ requirements: NVIDIARequirements, _ context: Context, _ examination: inout Examination
) throws(EvidenceError) -> NVIDIAClaims {
    let report = try NVIDIAReport(evidence.part("report", "nvidia.report.format"))
    let certificates = try nvidiaCertificates(evidence)
    let leaf = certificates[0]
    try examination.checkCertificates(certificates, requirements, context)
    examination.check(
        "nvidia.report.signature",
        leaf.publicKey.isValid(report.signature, over: report.signedBytes, .ecdsaRaw(.sha384)),
        expected: "a signature with the key of \(leaf)", found: hexadecimal(report.signature))
    // A certificate that names no firmware was made for whatever runs.
    if let certified = firmwareID(leaf) {
        examination.check(
            "nvidia.certificate.fwid", report.firmwareID == certified, expected: hexadecimal(certified),
            found: report.firmwareID.map { hexadecimal($0) } ?? "none")
    }
    examination.checkPolicy(report, requirements)
    return NVIDIAClaims(report, leaf)
}

private func nvidiaCertificates(_ evidence: Evidence) throws(EvidenceError) -> [ParsedCertificate] {
    do throws(EvidenceError) {
        return try ParsedCertificate.parse(pem: evidence["certificates"] ?? [])
    } catch {
        throw EvidenceError("nvidia.certificates.format", expected: error.expected, found: error.found)
    }
}

/// The digest of the firmware that a certificate is for, from its TCG extension: version, key, FWID (DICE, "CompositeDeviceID").
private func firmwareID(_ certificate: ParsedCertificate) -> [UInt8]? {
    guard let value = certificate.extension("2.23.133.5.4.1")?.value else { return nil }
    let digest = try? DER.sequence(DER.parse(value), identifier: .sequence) { fields in
        _ = (try required(&fields, "version"), try required(&fields, "key"))
        return try DER.sequence(required(&fields, "firmware"), identifier: .sequence) { inner in
            _ = try required(&inner, "hash function")
            return Array(try ASN1OctetString(derEncoded: required(&inner, "digest")).bytes)
        }
    }
    return digest ?? []
}

extension Examination {
    fileprivate mutating func checkCertificates(
        _ certificates: [ParsedCertificate], _ requirements: NVIDIARequirements, _ context: Context
    ) throws(EvidenceError) {
        var lists: [RevocationList]?
        if context.collateral.nvidiaRevocationLists.isEmpty {
            check(
                "nvidia.certificate.revocation", false, expected: "NVIDIA's revocation lists",
                found: "none: import them", tolerance: requirements.toleratesAbsentRevocationLists?.tolerance)
        } else {
            lists = try context.collateral.nvidiaRevocationLists.map { list throws(EvidenceError) in
                try RevocationList(der: list)
            }
        }
        _ = checkChain(
            "nvidia.certificate", leaf: certificates[0], intermediates: Array(certificates.dropFirst()),
            anchors: context.anchors.nvidia, revocationLists: lists, listsAreNamed: true, at: context.now)
    }

    fileprivate mutating func checkPolicy(_ report: NVIDIAReport, _ requirements: NVIDIARequirements) {
        if let references = requirements.measurements {
            for (index, values) in references.value.sorted(by: { $0.key < $1.key }) {
                checkListed(
                    "nvidia.measurement.\(index)", report.measurements[index] ?? [],
                    Setting<[[UInt8]]>(values, references.line))
            }
        } else if let tolerance = requirements.toleratesAnyMeasurement?.tolerance {
            check(
                "nvidia.measurements", false, expected: "measurements that the policy lists",
                found: "\(report.measurements.count) that are compared with nothing", tolerance: tolerance)
        }
        checkVersion("nvidia.driver", report.driverVersion, requirements.driverVersions)
        checkVersion("nvidia.vbios", report.vbiosVersion, requirements.vbiosVersions)
    }

    private mutating func checkVersion(_ name: String, _ version: String?, _ listed: Setting<[String]>?) {
        guard let listed else { return }
        check(
            name, version.map { listed.value.contains($0) } ?? false,
            expected: listed.value.isEmpty ? "one of none" : listed.value.joined(separator: " or "),
            found: version ?? "none", askedBy: listed.line)
    }
}
