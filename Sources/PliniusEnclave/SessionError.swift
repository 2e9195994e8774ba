import PliniusMedia
import PliniusMirror
import PliniusNN
import PliniusOneDNN
import PliniusSealing
import PliniusWire

/// Why a session ended without its result; ends up as the program's exit code and message.
struct SessionError: Error, Sendable {
    let failure: Failure

    /// What another process gave up for.
    init(_ failure: Failure) { self.failure = failure }

    init(_ category: Failure.Category, _ message: String) { failure = Failure(category: category, message: message) }

    /// The same, said of one of several files.
    func about(_ name: String) -> SessionError { SessionError(failure.category, "\(name): \(failure.message)") }

    /// Sorts what the modules below throw into the exit codes of the programs.
    init(_ error: any Error) {
        switch error {
        case let error as SessionError: self = error
        case let error as ConfigError: self.init(.usage, error.description)
        case let error as KeyFileError: self.init(.usage, "--insecure-local-key: \(error.description)")
        case let error as DatasetError: self.init(error.code.isRefusal ? .integrity : .failed, error.description)
        case let error as PersistenceError: self.init(error.code.isRefusal ? .integrity : .failed, error.description)
        case let error as WireError: self.init(.integrity, error.description)
        case let error as OneDNNError: self.init(.failed, error.description)
        case let error as MirrorError:
            switch error.code {
            case .media: self.init(.failed, error.description)
            case .invalidName: self.init(.usage, error.description)
            case .noUsableMirror: self.init(.recovery, error.description)
            default: self.init(.integrity, error.description)
            }
        default: self.init(.failed, "\(error)")
        }
    }
}

/// Runs `body`, and turns whatever it throws into what the host is told.
func reporting<R>(_ body: () throws -> R) throws(SessionError) -> R {
    do { return try body() } catch { throw SessionError(error) }
}
