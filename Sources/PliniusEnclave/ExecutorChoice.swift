import Glibc
import PliniusMirror
import PliniusNN
import PliniusOneDNN
import PliniusWire

/// Which executor runs, and on how many threads.
struct ExecutorChoice: Hashable {
    var kind: ExecutorKind
    var threads: UInt32

    /// What a request asks for; what it leaves open comes from the grant, then from the run, and for a new run from the machine.
    /// - Parameter granted: What the owners' policies let compute; `nil` for any.
    /// - Throws: `SessionError` if there is no such executor, if the owners ask for another one, or if the number of threads is
    ///   absurd.
    init(executor: String?, threads: UInt32?, of run: RunIdentity? = nil, granted: GrantTerms.Executor?)
        throws(SessionError)
    {
        if let executor {
            guard let kind = ExecutorKind.allCases.first(where: { $0.name == executor }) else {
                let known = ExecutorKind.allCases.map(\.name).joined(separator: ", ")
                throw SessionError(.usage, "there is no executor \"\(executor)\"; this build has: \(known)")
            }
            self.kind = kind
        } else {
            let number = granted?.rawValue ?? run?.executor ?? ExecutorKind.oneDNN.rawValue
            guard let kind = ExecutorKind(rawValue: number) else {
                throw SessionError(.failed, "the run was begun with executor number \(number), which this build lacks")
            }
            self.kind = kind
        }
        try granted?.require(kind.rawValue, "--executor asks for", "leave --executor away")
        self.threads = threads ?? run?.threads ?? UInt32(clamping: max(1, sysconf(CInt(_SC_NPROCESSORS_ONLN))))
        guard ExecutorKind.threadCounts ~= self.threads else {
            throw SessionError(.usage, "the number of threads is \(self.threads): expected 1 to 1024")
        }
    }

    /// What infers beside an executor that trains, from the same arena: the reference executor does so itself.
    func makeEvaluator(
        of network: NetworkDescription, beside executor: any Executor, arena: ParameterArena
    ) throws(SessionError) -> any Executor {
        if kind == .reference { return executor }
        return try make(network, miniBatch: executor.miniBatch, arena: arena, onlyInfers: true)
    }

    /// Compiles a network for it.
    /// - Parameters:
    ///   - timeSteps: Of a mini-batch; as many as the network learns from if `nil`.
    ///   - onlyInfers: Whether no pass trains.
    func make(
        _ network: NetworkDescription, miniBatch: Int, timeSteps: Int? = nil, arena: ParameterArena,
        onlyInfers: Bool = false
    ) throws(SessionError) -> any Executor {
        switch kind {
        case .reference:
            return ReferenceExecutor(
                network: network, miniBatch: miniBatch, timeSteps: timeSteps, arena: arena, threads: Int(threads))
        case .oneDNN:
            return try reporting {
                try OneDNNExecutor(
                    network: network, miniBatch: miniBatch, timeSteps: timeSteps, arena: arena, threads: Int(threads),
                    onlyInfers: onlyInfers)
            }
        }
    }
}

extension GrantTerms.Executor {
    /// Checks that what is found, by the number that a pool stores, is what the owners' policies name.
    func require(_ found: UInt8, _ finder: String, _ remedy: String) throws(SessionError) {
        guard found != rawValue else { return }
        let name = ExecutorKind(rawValue: found)?.name ?? "number \(found)"
        throw SessionError(
            .integrity,
            "the owners ask for the executor \(self), and \(finder) \(name): \(remedy), or have the owners change their policies"
        )
    }
}
