internal import FoundationEssentials
internal import GRDB
internal import PliniusVerifier

/// A row's values by the types that they should have: the file may hold anything.
struct Fields {
    private let row: Row

    init(_ row: Row) { self.row = row }

    private func value(_ name: String) -> DatabaseValue { row[name] as DatabaseValue? ?? .null }

    private func damage(_ name: String) -> ManagerError {
        ManagerError(
            .integrity, "the store's file has a row whose \(name) is not what it was: restore it from a backup")
    }

    func integer(_ name: String) throws(ManagerError) -> Int64 {
        guard case .int64(let number) = value(name).storage else { throw damage(name) }
        return number
    }

    /// An integer that is none below zero.
    func count(_ name: String) throws(ManagerError) -> Int {
        guard let count = Int(exactly: try integer(name)), count >= 0 else { throw damage(name) }
        return count
    }

    func instant(_ name: String) throws(ManagerError) -> Instant { Instant(seconds: try integer(name)) }

    func text(_ name: String) throws(ManagerError) -> String {
        guard case .string(let text) = value(name).storage else { throw damage(name) }
        return text
    }

    func bytes(_ name: String) throws(ManagerError) -> [UInt8] {
        guard case .blob(let data) = value(name).storage else { throw damage(name) }
        return Array(data)
    }

    func bytes(_ name: String, count: Int) throws(ManagerError) -> [UInt8] {
        let bytes = try bytes(name)
        guard bytes.count == count else { throw damage(name) }
        return bytes
    }

    /// One of an enumeration's names.
    func choice<Value: RawRepresentable<String>>(_ name: String) throws(ManagerError) -> Value {
        guard let value = Value(rawValue: try text(name)) else { throw damage(name) }
        return value
    }

    func has(_ name: String) -> Bool { !value(name).isNull }
}
