/// Writes zip archives and NumPy arrays, byte by byte, for tests that read them; independent of what reads them.
enum Archives {
    struct Member {
        var name: String
        var bytes: [UInt8]
        /// Deflate data of stored blocks: what any inflater has to take.
        var isDeflated = false
        var flags: UInt16 = 0
        var method: UInt16?
        var size: UInt32?
        var checksum: UInt32?
        var hasLargeSizes = false

        init(_ name: String, _ bytes: [UInt8], deflated: Bool = false) {
            self.name = name
            self.bytes = bytes
            isDeflated = deflated
        }
    }

    static func zip(_ members: [Member], large: Bool = false) -> [UInt8] {
        var file: [UInt8] = []
        var directory: [UInt8] = []
        for member in members {
            let data = member.isDeflated ? deflated(member.bytes) : member.bytes
            let offset = UInt32(file.count)
            let method = member.method ?? (member.isDeflated ? 8 : 0)
            let checksum = member.checksum ?? crc32(member.bytes)
            let size = member.size ?? UInt32(member.bytes.count)
            let name = Array(member.name.utf8)
            // NumPy's own writer puts a zip64 field into the member's header, always.
            let extra = little(UInt16(1)) + little(UInt16(16)) + little(UInt64(size)) + little(UInt64(data.count))
            let common = little(member.flags) + little(method) + [0, 0, 0x21, 0]
            file += little(UInt32(0x0403_4B50)) + little(UInt16(45)) + common + little(checksum)
            file += little(UInt32.max) + little(UInt32.max) + little(UInt16(name.count)) + little(UInt16(extra.count))
            file += name + extra + data
            let largeField =
                member.hasLargeSizes
                ? little(UInt16(1)) + little(UInt16(24)) + little(UInt64(size)) + little(UInt64(data.count))
                    + little(UInt64(offset)) : []
            directory += little(UInt32(0x0201_4B50)) + little(UInt16(45)) + little(UInt16(45)) + common
            directory += little(checksum)
            directory += little(member.hasLargeSizes ? .max : UInt32(data.count))
            directory += little(member.hasLargeSizes ? .max : size)
            directory += little(UInt16(name.count)) + little(UInt16(largeField.count)) + [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
            directory += little(member.hasLargeSizes ? .max : offset) + name + largeField
        }
        let offset = file.count
        file += directory
        let count = UInt16(members.count)
        if large {
            let end = file.count
            file += little(UInt32(0x0606_4B50)) + little(UInt64(44)) + [45, 0, 45, 0] + little(UInt64(0))
            file += little(UInt64(count)) + little(UInt64(count))
            file += little(UInt64(directory.count)) + little(UInt64(offset))
            file += little(UInt32(0x0706_4B50)) + little(UInt32(0)) + little(UInt64(end)) + little(UInt32(1))
        }
        file +=
            little(UInt32(0x0605_4B50)) + [0, 0, 0, 0] + little(large ? .max : count) + little(large ? .max : count)
        file += little(large ? .max : UInt32(directory.count)) + little(large ? .max : UInt32(offset))
        return file + [0, 0]
    }

    static func npy(
        _ shape: String, _ elements: [UInt8], type: String = "'|u1'", order: String = "False", version: UInt8 = 1
    )
        -> [UInt8]
    {
        npy(
            dictionary: "{'descr': \(type), 'fortran_order': \(order), 'shape': \(shape), }", elements, version: version
        )
    }

    static func npy(dictionary: String, _ elements: [UInt8], version: UInt8 = 1) -> [UInt8] {
        let before = version == 1 ? 10 : 12
        var text = Array(dictionary.utf8)
        text += [UInt8](repeating: 32, count: 63 - (before + text.count) % 64) + [10]
        let length = version == 1 ? little(UInt16(text.count)) : little(UInt32(text.count))
        return [0x93] + Array("NUMPY".utf8) + [version, 0] + length + text + elements
    }

    /// Stored blocks of at most 1,000 bytes.
    static func deflated(_ bytes: [UInt8]) -> [UInt8] {
        var data: [UInt8] = []
        var rest = bytes[...]
        repeat {
            let block = rest.prefix(1_000)
            rest = rest.dropFirst(1_000)
            data += [rest.isEmpty ? 1 : 0] + little(UInt16(block.count)) + little(~UInt16(block.count)) + block
        } while !rest.isEmpty
        return data
    }

    static func crc32(_ bytes: some Sequence<UInt8>) -> UInt32 {
        ~bytes.reduce(~0 as UInt32) { crc, byte in
            (0..<8).reduce(crc ^ UInt32(byte)) { crc, _ in crc >> 1 ^ (crc & 1 == 1 ? 0xEDB8_8320 : 0) }
        }
    }

    static func adler32(_ bytes: [UInt8]) -> UInt32 {
        let (low, high) = bytes.reduce((1, 0) as (UInt32, UInt32)) {
            let low = ($0.0 + UInt32($1)) % 65_521
            return (low, ($0.1 + low) % 65_521)
        }
        return high << 16 | low
    }

    static func little(_ number: some FixedWidthInteger) -> [UInt8] {
        stride(from: 0, to: number.bitWidth, by: 8).map { UInt8(truncatingIfNeeded: number >> $0) }
    }

    static func big(_ number: some FixedWidthInteger) -> [UInt8] { little(number).reversed() }
}
