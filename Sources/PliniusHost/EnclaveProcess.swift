import Glibc
import PliniusWire

/// A running `plinius-enclave`, and the socket to it.
///
/// The descriptors have fixed numbers there: 3 the socket, 4 the pool, 5 the data set, 6 the test set, 7 the key,
/// 8 the key that signs simulated evidence; from 9 on the further data sets, and from 24 on their keys where they have their own; 39 takes results,
/// and 40 is the validation set.
final class EnclaveProcess {
    /// The files that an enclave works on.
    struct Files {
        var pool: PoolFile
        /// At most ``TrainRequest/maximumDatasetCount``.
        var data: [OpenFile] = []
        var testData: OpenFile?
        var validationData: OpenFile?
        /// One, or one for each of ``data``.
        var keys: [OpenFile] = []
        var attestationKey: OpenFile?
        /// Takes sealed results.
        var results: OpenFile?
    }

    let channel: WireChannel
    private let socket: OpenFile
    private let process: pid_t
    private var termination: Termination?

    /// Starts the enclave that was installed beside this program.
    /// - Throws: `HostError.Code.failed` if it cannot be started.
    init(files: Files) throws(HostError) {
        let program = try Programs.sibling("plinius-enclave")
        var ends: [CInt] = [-1, -1]
        guard socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw HostError(.failed, Errno.current.explain("the socket to the enclave"))
        }
        socket = OpenFile(descriptor: ends[0], path: program)
        channel = WireChannel(descriptor: ends[0])
        let theirs = OpenFile(descriptor: ends[1], path: program)

        var spawn = Spawn(program: program)
        spawn.environment = Self.environment(from: spawn.environment)
        spawn.isGroupLeader = true
        spawn.descriptors = [3: theirs.descriptor, 4: files.pool.file.descriptor]
        for (index, file) in files.data.enumerated() {
            spawn.descriptors[index == 0 ? 5 : 8 + CInt(index)] = file.descriptor
        }
        spawn.descriptors[6] = files.testData?.descriptor
        for (index, file) in files.keys.enumerated() {
            spawn.descriptors[index == 0 ? 7 : 23 + CInt(index)] = file.descriptor
        }
        spawn.descriptors[8] = files.attestationKey?.descriptor
        spawn.descriptors[39] = files.results?.descriptor
        spawn.descriptors[40] = files.validationData?.descriptor
        process = try spawn.start()
    }

    deinit {
        guard termination == nil else { return }
        kill()
        _ = reap()
    }

    /// Ends the process at once; what is mirrored stays.
    func kill() {
        guard termination == nil else { return }
        _ = Glibc.kill(process, SIGKILL)
    }

    /// Waits for the end of the process.
    func reap() -> Termination {
        if let termination { return termination }
        let how = Termination.wait(for: process)
        termination = how
        return how
    }

    /// Keeps what libraries need to be found and tuned; everything else stays here.
    ///
    /// Threads that wait by spinning steal the cores from those that compute when there are few of them, so waiting is passive by default.
    /// A crash report would print registers of the enclave, so there is none.
    static func environment(from variables: [String]) -> [String] {
        let defaults = [
            "OMP_WAIT_POLICY=passive", "GOMP_SPINCOUNT=0", "OMP_DYNAMIC=false", "SWIFT_BACKTRACE=enable=no",
        ]
        let kept = variables.filter { variable in
            variable.hasPrefix("LD_LIBRARY_PATH=")
                || ["OMP_", "GOMP_", "ONEDNN_", "DNNL_", "SWIFT_BACKTRACE="].contains(where: variable.hasPrefix)
        }
        let names = Set(kept.map { $0.prefix { $0 != "=" } })
        return kept + defaults.filter { !names.contains($0.prefix { $0 != "=" }) }
    }
}
