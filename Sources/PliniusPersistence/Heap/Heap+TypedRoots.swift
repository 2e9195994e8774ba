extension Heap {
    /// The value of a name, `nil` if nothing has it.
    func root<Value: PersistentValue>(_ name: String, as: Value.Type) throws(PersistenceError) -> PersistentRef<Value>?
    {
        switch root(name) {
        case nil: return nil
        case .object(let offset, UInt64(MemoryLayout<Value>.size), UInt64(MemoryLayout<Value>.stride))?:
            return PersistentRef(offset: Int(offset))
        case let other?: throw .otherType(name, other, expected: "a value of \(MemoryLayout<Value>.size) bytes")
        }
    }

    /// The array of a name, `nil` if nothing has it.
    func arrayRoot<Element: PersistentValue>(_ name: String, of: Element.Type) throws(PersistenceError)
        -> PersistentArray<Element>?
    {
        let stride = MemoryLayout<Element>.stride
        switch root(name) {
        case nil: return nil
        case .object(let offset, let byteCount, UInt64(stride))?:
            return PersistentArray(offset: Int(offset), count: Int(byteCount) / stride)
        case let other?: throw .otherType(name, other, expected: "a row of elements of \(stride) bytes")
        }
    }

    /// The extent of a name, `nil` if nothing has it.
    func extentRoot(_ name: String, in region: Region) throws(PersistenceError) -> Extent? {
        switch root(name) {
        case nil: return nil
        case .extent(let start, let byteCount)?: return Extent(region, Int(start)..<Int(start + byteCount))
        case let other?: throw .otherType(name, other, expected: "an extent")
        }
    }
}

extension PersistenceError {
    fileprivate static func otherType(_ name: String, _ found: Root, expected: String) -> PersistenceError {
        PersistenceError(
            .otherType, "The root \"\(name)\" is \(found), and \(expected) was asked for: another program wrote it.")
    }
}
