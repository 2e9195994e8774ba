/// Reads the JSON of a safetensors header: the few forms that the format has, and nothing deeper, so that no text makes it recurse.
struct SafetensorsText {
    /// What the text says of a tensor, unchecked.
    struct Claim {
        let name: String
        var type = ""
        var shape: [Int] = []
        /// Behind the header.
        var start = 0
        var end = 0
    }

    /// What stood under `__metadata__`.
    private(set) var metadata: [String: String] = [:]

    private let bytes: ArraySlice<UInt8>
    private let file: String
    private var place: Int

    /// Starts at the first of `bytes`, whose indices are those of the file.
    init(_ bytes: ArraySlice<UInt8>, file: String) {
        self.bytes = bytes
        self.file = file
        place = bytes.startIndex
    }

    /// Reads all of the text.
    mutating func header() throws(ModelError) -> [Claim] {
        var claims: [Claim] = []
        var names: Set<String> = []
        var goesOn = try begin("{", "}")
        while goesOn {
            let name = try key()
            guard names.insert(name).inserted else { throw error("the name \(name) is there twice") }
            if name == "__metadata__" { try readMetadata() } else { claims.append(try claim(name)) }
            goesOn = try goOn("}")
        }
        skipBlanks()
        guard place == bytes.endIndex else { throw error("expected the end of the header") }
        return claims
    }

    private mutating func claim(_ name: String) throws(ModelError) -> Claim {
        var claim = Claim(name: name)
        var keys: Set<String> = []
        var goesOn = try begin("{", "}")
        while goesOn {
            let key = try key()
            guard keys.insert(key).inserted else { throw error("\(name): \(key) is there twice") }
            switch key {
            case "dtype": claim.type = try string()
            case "shape": claim.shape = try numbers()
            case "data_offsets":
                let offsets = try numbers()
                guard offsets.count == 2 else {
                    throw error("\(name): expected two data_offsets, found \(offsets.count)")
                }
                (claim.start, claim.end) = (offsets[0], offsets[1])
            default: throw error("\(name): \(key) is not of the format")
            }
            goesOn = try goOn("}")
        }
        guard keys.count == 3 else { throw error("\(name): expected dtype, shape and data_offsets") }
        return claim
    }

    private mutating func readMetadata() throws(ModelError) {
        var goesOn = try begin("{", "}")
        while goesOn {
            let key = try key()
            guard metadata.updateValue(try string(), forKey: key) == nil else {
                throw error("the metadata have \(key) twice")
            }
            goesOn = try goOn("}")
        }
    }

    // MARK: JSON

    /// Reads what an object or a list begins with.
    /// - Returns: Whether there is something in it.
    private mutating func begin(_ opening: Unicode.Scalar, _ closing: Unicode.Scalar) throws(ModelError) -> Bool {
        guard take(opening) else { throw error("expected \(opening)") }
        return !take(closing)
    }

    /// Reads what stands behind a member.
    /// - Returns: Whether another one follows.
    private mutating func goOn(_ closing: Unicode.Scalar) throws(ModelError) -> Bool {
        if take(",") { return true }
        guard take(closing) else { throw error("expected , or \(closing)") }
        return false
    }

    private mutating func key() throws(ModelError) -> String {
        let key = try string()
        guard take(":") else { throw error("expected :") }
        return key
    }

    private mutating func numbers() throws(ModelError) -> [Int] {
        var numbers: [Int] = []
        var goesOn = try begin("[", "]")
        while goesOn {
            numbers.append(try number())
            goesOn = try goOn("]")
        }
        return numbers
    }

    /// Reads a whole number, not negative.
    private mutating func number() throws(ModelError) -> Int {
        skipBlanks()
        let start = place
        var value = 0
        while let digit = byte, UInt8(ascii: "0")...UInt8(ascii: "9") ~= digit {
            let (tenfold, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tenfold.addingReportingOverflow(Int(digit - UInt8(ascii: "0")))
            guard !overflow, !carry else { throw error("the number is beyond all limits") }
            value = sum
            place += 1
        }
        guard place > start, place == start + 1 || bytes[start] != UInt8(ascii: "0") else {
            throw error("expected a whole number, not negative, without leading zeros")
        }
        return value
    }

    private mutating func string() throws(ModelError) -> String {
        guard take("\"") else { throw error("expected a text in quotation marks") }
        var text: [UInt8] = []
        while let byte {
            place += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: text, as: UTF8.self) else { throw error("the text is not UTF-8") }
                return text
            case UInt8(ascii: "\\"): text.append(contentsOf: String(try escape()).utf8)
            case 0..<0x20: throw error("a control character in a text")
            default: text.append(byte)
            }
        }
        throw error("the header ends in a text")
    }

    private mutating func escape() throws(ModelError) -> Unicode.Scalar {
        guard let byte else { throw error("the header ends in a text") }
        place += 1
        switch byte {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            let unit = try codeUnit()
            guard 0xD800..<0xDC00 ~= unit else { return try scalar(unit) }
            guard bytes[place...].starts(with: Array("\\u".utf8)) else { throw error("half a character") }
            place += 2
            let low = try codeUnit()
            guard 0xDC00..<0xE000 ~= low else { throw error("half a character") }
            return try scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
        default: throw error("no such escape")
        }
    }

    private mutating func codeUnit() throws(ModelError) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard let byte, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw error("expected four hexadecimal digits")
            }
            unit = unit << 4 | UInt32(digit)
            place += 1
        }
        return unit
    }

    private func scalar(_ value: UInt32) throws(ModelError) -> Unicode.Scalar {
        guard let scalar = Unicode.Scalar(value) else { throw error("half a character") }
        return scalar
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipBlanks()
        guard byte == UInt8(ascii: character) else { return false }
        place += 1
        return true
    }

    private mutating func skipBlanks() {
        while let byte, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { place += 1 }
    }

    private var byte: UInt8? { place < bytes.endIndex ? bytes[place] : nil }

    private func error(_ what: String) -> ModelError {
        ModelError(.damaged, file, "byte \(place) of the header: \(what)")
    }
}
