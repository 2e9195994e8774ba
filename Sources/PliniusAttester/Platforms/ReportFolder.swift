import Glibc
internal import PliniusSealing
internal import PliniusWire
internal import _PliniusSupport

/// Reports through configfs-tsm (Documentation/ABI/testing/configfs-tsm-report): TDX and SEV-SNP.
struct ReportFolder: Sendable {
    /// What the kernel says that it asks, by platform.
    static let providers = [Evidence.Kind.tdx: "tdx_guest", .snp: "sev_guest"]
    static let maximumReportByteCount = 64 << 10
    static let maximumCertificatesByteCount = 256 << 10
    /// A service that is busy is asked so often, and not after so long.
    static let maximumTryCount = 12
    static let maximumSeconds = 60

    let root: String
    let kernel: Kernel

    /// The platform whose reports this kernel hands out, `nil` if none that is known.
    var kind: Evidence.Kind? {
        let provider = try? withFolder { folder throws(AttestationError) in try text(of: "provider", in: folder) }
        return Self.providers.first { $0.value == provider }?.key
    }

    /// A report over 64 bytes of report data, and what the host says to it.
    func report(
        _ kind: Evidence.Kind, over reportData: [UInt8], privilegeLevel: UInt32?
    ) throws(AttestationError) -> (report: [UInt8], certificates: [UInt8]) {
        try withFolder { folder throws(AttestationError) in
            let provider = try text(of: "provider", in: folder)
            guard provider == Self.providers[kind] else {
                throw AttestationError("\(kind): this machine's reports come from '\(provider)'")
            }
            let before = try generation(in: folder)
            if let privilegeLevel { try write(Array("\(privilegeLevel)\n".utf8), to: "privlevel", in: folder) }
            try write(reportData, to: "inblob", in: folder)
            let report = try patientlyRead("\(folder)/outblob", for: kind)
            try require(report, binds: reportData, "\(kind): the report")
            // The host may give none: then the verifier's collateral has them.
            let certificates = try? kernel.read("\(folder)/auxblob", Self.maximumCertificatesByteCount)
            let after = try generation(in: folder)
            guard after == before + (privilegeLevel == nil ? 1 : 2) else {
                throw AttestationError(
                    "\(kind): the request in \(folder) was changed from outside: its generation went from \(before) to "
                        + "\(after)")
            }
            return (report, certificates ?? [])
        }
    }

    /// Lends a folder of this request's own, which goes in any case.
    private func withFolder<R>(_ body: (String) throws(AttestationError) -> R) throws(AttestationError) -> R {
        let folder = "\(root)/plinius-\(getpid())-\(randomBytes(8).hex)"
        try asking("no folder for a report can be made at \(folder): it takes Linux 6.7 and a mounted configfs") {
            () throws(KernelError) in try kernel.makeFolder(folder)
        }
        defer { kernel.removeFolder(folder) }
        return try body(folder)
    }

    private func text(of attribute: String, in folder: String) throws(AttestationError) -> String {
        let path = "\(folder)/\(attribute)"
        let bytes = try asking("\(path) cannot be read") { () throws(KernelError) in try kernel.read(path, 256) }
        return String(decoding: bytes, as: UTF8.self).trimmed
    }

    private func generation(in folder: String) throws(AttestationError) -> Int {
        let text = try text(of: "generation", in: folder)
        guard let number = UInt32(text) else {
            throw AttestationError("\(folder)/generation says '\(text)', no number")
        }
        return Int(number)
    }

    private func write(_ bytes: [UInt8], to attribute: String, in folder: String) throws(AttestationError) {
        try asking("\(folder)/\(attribute) does not take \(bytes.count) bytes") { () throws(KernelError) in
            try kernel.write("\(folder)/\(attribute)", bytes)
        }
    }

    private func patientlyRead(_ path: String, for kind: Evidence.Kind) throws(AttestationError) -> [UInt8] {
        let start = ContinuousClock.now
        var tries = 0
        while true {
            tries += 1
            do throws(KernelError) {
                return try kernel.read(path, Self.maximumReportByteCount)
            } catch {
                let mayPass = [EBUSY, EINTR, EAGAIN, ETIMEDOUT].contains(error.number)
                guard mayPass, tries < Self.maximumTryCount, ContinuousClock.now - start < .seconds(Self.maximumSeconds)
                else {
                    throw AttestationError("\(kind): no report in \(path) after \(tries) tries: \(error)")
                }
                kernel.pause(10 << UInt32(tries))
            }
        }
    }
}
