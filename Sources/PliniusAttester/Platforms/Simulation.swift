import Glibc
internal import PliniusSealing
internal import PliniusWire
internal import _PliniusSupport

/// Evidence of a process that nothing protects, in a format of its own (`Evidence.Kind.simulated`): no verifier takes it for more.
struct Simulation: Sendable {
    let paths: DevicePaths
    let kernel: Kernel

    /// A report over 64 bytes of report data, signed by the operator's test key, or by one that nobody knows.
    func report(over reportData: [UInt8]) throws(AttestationError) -> Evidence {
        let key = try signingKey()
        var digest = IncrementalSHA256()
        try asking("simulated: \(paths.program) cannot be measured") { () throws(KernelError) in
            try readBlocks(paths.program) { digest.update(Array($0)) }
        }
        var report = ByteWriter()
        report.write(bytes: "PLINSIM1".utf8)
        report.write(UInt32(1))
        report.write(bytes: reportData)
        report.write(bytes: digest.digest())
        return Evidence(
            .simulated, ["report": report.bytes, "signature": key.sign(report.bytes), "key": key.publicKey])
    }

    private func signingKey() throws(AttestationError) -> Ed25519SigningKey {
        guard let path = paths.simulationKey else { return Ed25519SigningKey() }
        guard let key = Ed25519SigningKey(seed: try seed(in: path)) else {
            throw AttestationError("simulated: \(path) is no seed of a test key: it has 32 bytes")
        }
        return key
    }

    private func seed(in path: String) throws(AttestationError) -> [UInt8] {
        try asking("simulated: the test key \(path) cannot be read") { () throws(KernelError) in
            try kernel.read(path, 32)
        }
    }

    /// Stands for a platform's sealing key, and keeps nothing secret.
    func sealingKey() throws(AttestationError) -> SecretBytes {
        guard let path = paths.simulationKey else {
            throw AttestationError(
                "simulated: nothing can be sealed without a test key, which must outlive the process")
        }
        return SecretBytes(try seed(in: path))
    }
}
