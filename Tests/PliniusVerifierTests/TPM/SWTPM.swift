import Foundation
import PliniusVerifier
import PliniusWire
import Testing

/// An emulated TPM in a folder of its own, on ports of the loopback interface; tpm2-tools talk to it and are the attester here, so that
/// nothing of this project made what is judged.
final class SWTPM {
    private static let needed = [
        "swtpm", "swtpm_setup", "swtpm_localca", "tpm2_createek", "tpm2_createak", "tpm2_quote", "tpm2_pcrextend",
        "tpm2_activatecredential", "tpm2_startauthsession", "tpm2_policysecret", "tpm2_flushcontext", "tpm2_shutdown",
        "tpm2_readpublic", "tpm2_nvread",
    ]

    private static func path(of program: String) -> String? {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        return folders.map { "\($0)/\(program)" }.first(where: FileManager.default.isExecutableFile)
    }

    static let isThere = needed.allSatisfy { path(of: $0) != nil }
    /// What a suite says that is skipped without it.
    static let reason: Comment = "swtpm or tpm2-tools are missing (Debian: swtpm, swtpm-tools, tpm2-tools)"

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    let folder: URL
    private var server: Process?
    private var port = 0

    /// Makes a TPM with a certified endorsement key, all four banks, and a state that lasts as long as this object; and starts it.
    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "plinius-tpm-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder.appending(path: "state"), withIntermediateDirectories: true)
        try Data(
            """
            statedir = \(folder.path)
            signingkey = \(folder.path)/signkey.pem
            issuercert = \(folder.path)/issuercert.pem
            certserial = \(folder.path)/certserial
            """.utf8
        ).write(to: file("localca.conf"))
        try Data("--platform-manufacturer Test\n--platform-version 1\n--platform-model Test\n".utf8)
            .write(to: file("localca.options"))
        try Data(
            """
            create_certs_tool = \(Self.path(of: "swtpm_localca") ?? "")
            create_certs_tool_config = \(folder.path)/localca.conf
            create_certs_tool_options = \(folder.path)/localca.options
            """.utf8
        ).write(to: file("setup.conf"))
        // It would give up root otherwise, for a user that does not reach the folder.
        let user = geteuid() == 0 ? ["--runas", "root"] : []
        try run(
            "swtpm_setup",
            user + [
                "--tpm2", "--tpmstate", "\(folder.path)/state", "--config", "\(folder.path)/setup.conf",
                "--create-ek-cert", "--pcr-banks", "sha1,sha256,sha384,sha512",
            ])
        try start()
    }

    deinit {
        stop()
        try? FileManager.default.removeItem(at: folder)
    }

    func file(_ name: String) -> URL { folder.appending(path: name) }

    func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: file(name))) }

    func write(_ bytes: [UInt8], _ name: String) throws { try Data(bytes).write(to: file(name)) }

    // MARK: Power

    /// Switches it on, as a boot does.
    private func start() throws {
        let pid = file("pid")
        for _ in 0..<50 {
            try? FileManager.default.removeItem(at: pid)
            port = .random(in: 10_000..<30_000) * 2
            let process = Process()
            process.executableURL = URL(filePath: Self.path(of: "swtpm") ?? "")
            process.arguments = [
                "socket", "--tpm2", "--tpmstate", "dir=\(folder.path)/state", "--server", "type=tcp,port=\(port)",
                "--ctrl", "type=tcp,port=\(port + 1)", "--flags", "not-need-init,startup-clear", "--pid",
                "file=\(pid.path)",
            ]
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            try process.run()
            // It writes the file once it listens, and ends at once if somebody else has a port.
            while process.isRunning, (try? Data(contentsOf: pid))?.isEmpty != false { usleep(2000) }
            if process.isRunning {
                server = process
                return
            }
        }
        throw Failure(description: "swtpm found no free ports")
    }

    private func stop() {
        // Foundation starts programs with most signals blocked, and the emulator would wait for SIGTERM for ever.
        if let server { kill(server.processIdentifier, SIGKILL) }
        server?.waitUntilExit()
        server = nil
    }

    /// Switches it off and on again.
    /// - Parameter keepsState: Whether it is told to keep its state before, which makes the next start a restart and no reset.
    func reboot(keepsState: Bool = false) throws {
        try run("tpm2_shutdown", keepsState ? [] : ["--clear"])
        stop()
        try start()
    }

    // MARK: Tools

    /// Runs a program in the folder, and forgets the keys that it loaded.
    @discardableResult
    func run(_ program: String, _ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: Self.path(of: program) ?? "")
        process.arguments = arguments
        process.currentDirectoryURL = folder
        process.environment = [
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "",
            "TPM2TOOLS_TCTI": "swtpm:host=127.0.0.1,port=\(port)",
        ]
        let log = file("output")
        try Data().write(to: log)
        let handle = try FileHandle(forWritingTo: log)
        process.standardOutput = handle
        process.standardError = handle
        try process.run()
        process.waitUntilExit()
        try handle.close()
        let output = String(decoding: try Data(contentsOf: log), as: UTF8.self)
        guard process.terminationStatus == 0 else {
            throw Failure(description: "\(program) \(arguments.joined(separator: " ")): \(output)")
        }
        if program.hasPrefix("tpm2_create") || ["tpm2_quote", "tpm2_activatecredential"].contains(program) {
            try run("tpm2_flushcontext", ["-t"])
        }
        return output
    }

    /// An attestation key below an endorsement key: `ek.ctx`, `NAME.ctx`, `NAME.pub`.
    func makeKey(_ name: String, _ algorithm: String, _ scheme: String, hash: String = "sha256") throws {
        if !FileManager.default.fileExists(atPath: file("ek.ctx").path) {
            try run("tpm2_createek", ["-c", "ek.ctx", "-G", "rsa", "-u", "ek.pub", "-f", "tss"])
        }
        try run(
            "tpm2_createak",
            [
                "-C", "ek.ctx", "-c", "\(name).ctx", "-G", algorithm, "-g", hash, "-s", scheme, "-u", "\(name).pub",
                "-f", "tss",
            ])
    }

    /// A quote by `NAME` over registers such as `sha256:0,7+sha1:10`.
    func quote(
        _ name: String, _ registers: String, extraData: [UInt8] = [0xAB, 0xCD], scheme: String = "rsassa",
        hash: String = "sha256"
    ) throws -> Evidence {
        try run(
            "tpm2_quote",
            [
                "-c", "\(name).ctx", "-l", registers, "-q", extraData.map { String(format: "%02x", $0) }.joined(),
                "-m", "quote.attest", "-s", "quote.signature", "-o", "quote.registers", "-g", hash, "--scheme", scheme,
            ])
        return try TPMToolsQuote.read(
            key: bytes("\(name).pub"), attest: bytes("quote.attest"), signature: bytes("quote.signature"),
            registers: bytes("quote.registers"))
    }

    /// Extends a register, once for each element: digests by bank.
    func extend(_ register: Int, _ digests: [[(bank: String, digest: [UInt8])]]) throws {
        for start in stride(from: 0, to: digests.count, by: 100) {
            try run(
                "tpm2_pcrextend",
                digests[start..<min(start + 100, digests.count)].map { banks in
                    let values = banks.map { bank, digest in
                        "\(bank)=\(digest.map { String(format: "%02x", $0) }.joined())"
                    }
                    return "\(register):\(values.joined(separator: ","))"
                })
        }
    }
}
