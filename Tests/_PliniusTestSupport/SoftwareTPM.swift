import Glibc
import Synchronization

/// A TPM 2.0 in software for one test: Debian's swtpm, with its memory and its sockets in a folder of its own.
///
/// It ends with the value.
public final class SoftwareTPM: Sendable {
    /// Whether this machine has one.
    public static let isAvailable = access("/usr/bin/swtpm", X_OK) == 0
    /// What to say where it has none.
    public static let missing = "there is no /usr/bin/swtpm: install swtpm and swtpm-tools"

    private let folder: TemporaryDirectory
    private let process: Mutex<RunningProgram?> = Mutex(nil)

    /// Makes a TPM and starts it.
    /// - Parameter certified: Whether an authority of this TPM's own makes it endorsement keys and certificates, which takes a second.
    public init(certified: Bool = false) throws {
        folder = try TemporaryDirectory()
        if certified { try makeCertificates() }
        try start()
    }

    deinit { stop() }

    /// What tpm2-tss reaches it by.
    public var configuration: String { "swtpm:path=\(folder("tpm"))" }

    /// The certificate of the authority that signed the endorsement keys' certificates, PEM; above it stands `root`.
    public func authority() throws -> [UInt8] { try folder.read("issuercert.pem") }

    /// The certificate of the authority's own authority, PEM.
    public func root() throws -> [UInt8] { try folder.read("swtpm-localca-rootca-cert.pem") }

    /// Takes the power away and gives it back: registers start anew, keys and memory stay.
    public func restart() throws {
        stop()
        try start()
    }

    /// Extends a register of the SHA-256 bank.
    public func extend(_ register: UInt8, with digest: [UInt8]) throws {
        precondition(digest.count == 32)
        let password: [UInt8] = [0, 0, 0, 9, 0x40, 0, 0, 9, 0, 0, 0, 0, 0]
        let body = [0, 0, 0, register] + password + [0, 0, 0, 1, 0, 0x0B] + digest
        let size = UInt8(10 + body.count)
        let response = try send([0x80, 0x02, 0, 0, 0, size, 0, 0, 1, 0x82] + body)
        guard response.count >= 10, response[6..<10].allSatisfy({ $0 == 0 }) else {
            throw ProgramError("swtpm did not extend: \(response)")
        }
    }

    /// Sends a command and returns the response, both as the TPM has them.
    public func send(_ command: [UInt8]) throws -> [UInt8] {
        guard let socket = connection(to: "tpm") else {
            throw ProgramError("swtpm takes no connection: \(String(cString: strerror(errno)))")
        }
        defer { close(socket) }
        var response = [UInt8](repeating: 0, count: 4_096)
        guard write(socket, command, command.count) == command.count else {
            throw ProgramError("swtpm takes no command: \(String(cString: strerror(errno)))")
        }
        let count = read(socket, &response, response.count)
        return Array(response.prefix(max(0, count)))
    }

    /// Connects to one of the sockets; `nil` if nobody listens.
    private func connection(to name: String) -> CInt? {
        let socket = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: folder(name).utf8) }
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard connected != 0 else { return socket }
        close(socket)
        return nil
    }

    private func start() throws {
        let program = try RunningProgram(
            path: "/usr/bin/swtpm",
            arguments: [
                "socket", "--tpm2", "--tpmstate", "dir=\(folder.path)", "--server", "type=unixio,path=\(folder("tpm"))",
                "--ctrl", "type=unixio,path=\(folder("tpm.ctrl"))", "--flags", "not-need-init,startup-clear",
            ],
            environment: [:])
        // A socket is there a moment before anybody listens to it.
        let isUp = try program.wait(until: { _ in
            ["tpm", "tpm.ctrl"].allSatisfy { name in
                let socket = connection(to: name)
                defer { if let socket { close(socket) } }
                return socket != nil
            }
        })
        guard isUp else { throw ProgramError("swtpm ended at once: \(program.errorsSoFar)") }
        process.withLock { $0 = program }
    }

    /// Takes the power away for good: in a `defer`, since a value may end after its last use.
    public func stop() {
        let program = process.withLock { program in
            defer { program = nil }
            return program
        }
        // What it answered it has written down. A gentler signal may be blocked: a child inherits what this thread blocks.
        program?.signal(SIGKILL)
        _ = try? program?.wait(timeout: .seconds(20))
        unlink(folder("tpm"))
        unlink(folder("tpm.ctrl"))
    }

    private func makeCertificates() throws {
        try folder.write(
            """
            statedir = \(folder.path)
            signingkey = \(folder("signkey.pem"))
            issuercert = \(folder("issuercert.pem"))
            certserial = \(folder("certserial"))
            """, to: "authority.conf")
        try folder.write(
            """
            create_certs_tool = /usr/bin/swtpm_localca
            create_certs_tool_config = \(folder("authority.conf"))
            create_certs_tool_options = /etc/swtpm-localca.options
            """, to: "setup.conf")
        let setup = try RunningProgram(
            path: "/usr/bin/swtpm_setup",
            arguments: [
                "--tpm2", "--tpm-state", folder.path, "--config", folder("setup.conf"), "--create-ek-cert",
                "--overwrite",
            ],
            environment: [:])
        let outcome = try setup.wait()
        guard outcome.status == .exited(0) else {
            throw ProgramError("swtpm_setup failed: \(outcome.output) \(outcome.errors)")
        }
    }
}
