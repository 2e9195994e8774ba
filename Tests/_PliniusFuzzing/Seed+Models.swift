/// Models of 2 inputs, 2 values between and 1 output, as other programs write them.
extension Seed {
    private static let parameters: [UInt8] = (0..<9).flatMap { little((Float($0) / 4).bitPattern) }

    /// Headers of 20 and of 16 bytes, and of a version that transposes.
    static let weights = [(0, 2), (0, 1), (1001, 0)].map { (major: UInt32, minor: UInt32) in
        let seen = (major, minor) == (0, 2) ? little(UInt64(128)) : little(UInt32(128))
        return little(major) + little(minor) + little(UInt32(0)) + seen + parameters
    }

    /// Of 32-bit and of 16-bit numbers.
    static let safetensors = [("F32", 4), ("BF16", 2), ("F16", 2)].map { type, width in
        var start = 0
        let tensors = [
            ("layers.0.biases", "[2]", 2), ("layers.0.weights", "[2,2]", 4), ("layers.1.biases", "[1]", 1),
            ("layers.1.weights", "[1,2]", 2),
        ].map { name, shape, count in
            defer { start += count * width }
            return
                "\"\(name)\":{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":[\(start),\(start + count * width)]}"
        }
        let header = "{\"__metadata__\":{\"by\":\"\\u00e9\"},\(tensors.joined(separator: ","))}"
        return little(UInt64(header.utf8.count)) + Array(header.utf8) + zeros(start)
    }
}
