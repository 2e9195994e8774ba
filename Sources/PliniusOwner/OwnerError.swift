import ArgumentParser
import Glibc
import PliniusDataSealing
import PliniusDatasets
import PliniusMirror
import PliniusModels
import PliniusNN
import PliniusPersistence
import PliniusSealing

/// Why a command of the owner gives up; nothing secret is in it.
struct OwnerError: Error, CustomStringConvertible {
    /// What the program exits with; see ``OwnerCommand``.
    enum Category: CInt {
        case failed = 1
        case usage = 2
        case integrity = 3
        case recovery = 4
    }

    let category: Category
    /// What was checked, expected and found, and what to do.
    let message: String

    var description: String { message }

    init(_ category: Category, _ message: String) {
        self.category = category
        self.message = message
    }

    /// Makes an error of the last system call.
    /// - Parameter number: `errno`, read before anything could change it.
    init(_ category: Category, _ what: String, errno number: CInt) {
        self.init(category, "\(what): \(unsafe String(cString: strerror(number)))")
    }

    /// Sorts what the modules below throw into the exit codes.
    init(_ error: any Error) {
        switch error {
        case let error as OwnerError: self = error
        case let error as KeyFileError: self.init(.usage, error.description)
        case let error as SourceError: self.init(.usage, error.description)
        case let error as ModelError: self.init(.usage, error.description)
        case let error as ConfigError: self.init(.integrity, error.description)
        case let error as DatasetError: self.init(error.code.isRefusal ? .integrity : .failed, error.description)
        case let error as PredictionsError: self.init(error.code.isRefusal ? .integrity : .failed, error.description)
        case let error as PersistenceError:
            self.init(
                error.code == .noSuchRoot ? .usage : error.code.isRefusal ? .integrity : .failed, error.description)
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

extension ParsableCommand {
    /// Does the work of a command, and turns an error into a line on standard error and the exit code.
    func reporting(_ work: () throws -> Void) throws {
        do { try work() } catch {
            let error = OwnerError(error)
            printError("plinius-owner: \(error.message)")
            throw ExitCode(error.category.rawValue)
        }
    }
}

/// Writes text to standard error, where there is no buffer to share.
func writeError(_ text: String) {
    let bytes = Array(text.utf8)
    _ = unsafe write(STDERR_FILENO, bytes, bytes.count)
}

/// Writes a line to standard error; standard output is for results.
func printError(_ line: String) {
    writeError(line + "\n")
}
