import Glibc
import PliniusAttester
import Synchronization
import _PliniusTestSupport

/// A kernel made of files: a folder laid out like the system's, and what happens when one of them is written.
///
/// The attester's own reading and writing is at work; this adds what plain files do not do, and faults.
final class FileKernel: Sendable {
    /// What is amiss.
    struct Faults {
        /// What is thrown when a path with this end is read, in turn.
        var reading: [String: [CInt]] = [:]
        var writing: [String: CInt] = [:]
        var makingFolder: CInt?
        /// How often somebody else writes between the attester's writes and its last look.
        var foreignWrites = 0
        var emptyReport = false
        var otherReportData = false
        var certificates: [UInt8] = []
        var provider = "sev_guest\n"
    }

    let root: TemporaryDirectory
    private let state: Mutex<Faults>
    private let counts = Mutex<(made: Int, removed: Int, reports: Int, pauses: [UInt32])>((0, 0, 0, []))
    private let privileges = Mutex<[String]>([])

    init(_ faults: Faults = Faults()) throws {
        root = try TemporaryDirectory()
        state = Mutex(faults)
        for folder in ["dev/attestation/keys", "sys/kernel/config/tsm/report", "sys/firmware/acpi/tables/data"] {
            var path = root.path
            for name in folder.split(separator: "/") {
                path += "/\(name)"
                mkdir(path, 0o700)
            }
        }
        mkdir(root("proc"), 0o700)
        mkdir(root("proc/self"), 0o700)
        try root.write("this program", to: "proc/self/exe")
    }

    var paths: DevicePaths {
        var paths = DevicePaths(under: root.path)
        paths.tpm = ""
        return paths
    }

    var foldersMade: Int { counts.withLock { $0.made } }
    var foldersLeft: Int { counts.withLock { $0.made - $0.removed } }
    var pauses: [UInt32] { counts.withLock { $0.pauses } }
    var privilegeLevels: [String] { privileges.withLock { $0 } }

    /// The files of an SGX enclave under Gramine.
    func addGramine(type: String = "dcap\n", key: [UInt8] = [UInt8](repeating: 7, count: 16)) throws {
        try root.write(type, to: "dev/attestation/attestation_type")
        try root.write([], to: "dev/attestation/user_report_data")
        try root.write([], to: "dev/attestation/quote")
        try root.write(key, to: "dev/attestation/keys/_sgx_mrenclave")
    }

    /// What the attester is given.
    var kernel: Kernel {
        let system = Kernel()
        var kernel = system
        kernel.read = { [self] path, limit throws(KernelError) in
            let fault = state.withLock { state in
                let name = state.reading.keys.first { path.hasSuffix($0) }
                return name.flatMap { state.reading[$0]?.isEmpty == false ? state.reading[$0]?.removeFirst() : nil }
            }
            if let fault { throw KernelError(fault) }
            return try system.read(path, limit)
        }
        kernel.write = { [self] path, bytes throws(KernelError) in
            let fault = state.withLock { state in state.writing.first { path.hasSuffix($0.key) }?.value }
            if let fault { throw KernelError(fault) }
            try system.write(path, bytes)
            react(to: path, bytes)
        }
        kernel.makeFolder = { [self] path throws(KernelError) in
            if let fault = state.withLock({ $0.makingFolder }) { throw KernelError(fault) }
            try system.makeFolder(path)
            counts.withLock { $0.made += 1 }
            for name in ["inblob", "outblob", "auxblob", "privlevel"] { set("\(path)/\(name)", []) }
            set("\(path)/provider", Array(state.withLock { $0.provider }.utf8))
            set("\(path)/generation", Array("0\n".utf8))
        }
        kernel.removeFolder = { [self] path in
            for name in ["inblob", "outblob", "auxblob", "privlevel", "provider", "generation"] {
                unlink("\(path)/\(name)")
            }
            system.removeFolder(path)
            if access(path, F_OK) != 0 { counts.withLock { $0.removed += 1 } }
        }
        kernel.pause = { [self] milliseconds in counts.withLock { $0.pauses.append(milliseconds) } }
        return kernel
    }

    private func react(to path: String, _ bytes: [UInt8]) {
        let faults = state.withLock { $0 }
        let reportData = faults.otherReportData ? [UInt8](repeating: 9, count: 64) : bytes
        let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        if path.hasSuffix("/user_report_data") {
            // A quote's header and an enclave's body, as far as the report data.
            set(
                "\(folder)/quote", faults.emptyReport ? [] : [UInt8](repeating: 3, count: 368) + reportData + [1, 2, 3])
        } else if path.hasSuffix("/inblob") || path.hasSuffix("/privlevel") {
            let writes = path.hasSuffix("/inblob") ? 1 + faults.foreignWrites : 1
            let before = (try? Kernel().read("\(folder)/generation", 20)).map { String(decoding: $0, as: UTF8.self) }
            let generation = Int(before?.dropLast() ?? "") ?? 0
            set("\(folder)/generation", Array("\(generation + writes)\n".utf8))
            if path.hasSuffix("/privlevel") {
                return privileges.withLock { $0.append(String(decoding: bytes, as: UTF8.self)) }
            }
            set("\(folder)/outblob", faults.emptyReport ? [] : [UInt8](repeating: 2, count: 80) + reportData + [4, 5])
            set("\(folder)/auxblob", faults.certificates)
        }
    }

    private func set(_ path: String, _ bytes: [UInt8]) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        _ = write(descriptor, bytes, bytes.count)
        close(descriptor)
    }
}
