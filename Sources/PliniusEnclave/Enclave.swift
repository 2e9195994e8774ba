import CPliniusPM
import Glibc
import PliniusWire

/// The trusted process: hardens itself, greets the host, does one request, and ends.
public enum Enclave {
    /// Serves the host on the inherited control socket until the one request is done.
    /// - Returns: the exit code: 0, or the category of the failure that the host was told; that of integrity if the lease is over.
    public static func main() -> CInt {
        // Interrupts reach the whole terminal or control group; when to stop is the host's to say.
        for number in [SIGINT, SIGTERM, SIGHUP] { _ = signal(number, SIG_IGN) }
        var warnings: [String] = []
        let hardened = cplinius_harden_process()
        if hardened != 0 { warnings.append("core dumps and debuggers could not be switched off: errno \(hardened)") }
        // Who was handed a key is confined before anything is read; who waits for one, before the owner comes.
        let hasKey = fcntl(Session.Descriptor.key, F_GETFD) >= 0
        if hasKey, let warning = Confinement.begin() { warnings.append(warning) }
        let control = Control(descriptor: Session.Descriptor.control)
        control.send(.hello(version: Event.currentVersion))
        for warning in warnings { control.send(.warning(warning)) }
        let request = control.receive()
        if !hasKey, request.owner == nil, let warning = Confinement.begin() { control.send(.warning(warning)) }
        let ending = Session(control: control).run(request)
        control.send(ending)
        switch ending {
        case .failure(let failure): return CInt(failure.category.rawValue)
        case .stopped(let event) where event.isLeaseOver: return CInt(Failure.Category.integrity.rawValue)
        default: return 0
        }
    }
}

/// The system-call filter, which no thread ever leaves.
enum Confinement {
    /// Confines all threads of this process, those that run already included.
    /// - Returns: what is wrong, if it cannot be had.
    static func begin() -> String? {
        let number = cplinius_install_seccomp()
        return number == 0 ? nil : "the system-call filter could not be installed: errno \(number)"
    }
}

extension Command {
    /// How the key comes from its owner; `nil` for a request that takes none, or a key file.
    var owner: OwnerWait? {
        switch self {
        case .train(let request): request.owner
        case .test(let request), .predict(let request): request.owner
        case .status, .stop, .allocated, .published, .relayed: nil
        }
    }
}
