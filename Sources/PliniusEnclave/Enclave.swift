import CPliniusPM
import Glibc
import PliniusWire

/// The trusted process: hardens itself, greets the host, does one request, and ends.
public enum Enclave {
    /// Serves the host on the inherited control socket until the one request is done.
    /// - Returns: the exit code: 0, or the category of the failure that the host was told.
    public static func main() -> CInt {
        // Interrupts reach the whole terminal or control group; when to stop is the host's to say.
        for number in [SIGINT, SIGTERM, SIGHUP] { _ = signal(number, SIG_IGN) }
        var warnings: [String] = []
        let hardened = cplinius_harden_process()
        if hardened != 0 { warnings.append("core dumps and debuggers could not be switched off: errno \(hardened)") }
        // Before any thread starts, so that the filter holds for all of them.
        let filtered = hardened == 0 ? cplinius_install_seccomp() : hardened
        if filtered != 0 { warnings.append("the system-call filter could not be installed: errno \(filtered)") }
        let control = Control(descriptor: Session.Descriptor.control)
        control.send(
            .hello(
                Hello(version: Hello.currentVersion, tee: Platform.tee, executors: ExecutorKind.allCases.map(\.name))))
        for warning in warnings { control.send(.warning(warning)) }
        let ending = Session(control: control).run(control.nextRequest())
        control.send(ending)
        guard case .failure(let failure) = ending else { return 0 }
        return CInt(failure.category.rawValue)
    }
}

/// What protects this process.
enum Platform {
    /// The name of the TEE; `simulated` while no evidence of one is obtained, whatever machine this is.
    static let tee = "simulated"

    /// The processors that this process may run on.
    static var processorCount: Int { max(1, sysconf(CInt(_SC_NPROCESSORS_ONLN))) }
}
