/// Small images: PNG files written byte by byte here, JPEG files that libjpeg wrote once.
enum Images {
    /// A PNG file of one image data chunk, in deflate's stored blocks.
    /// - Parameter rows: Bytes as the colour type and depth want them.
    static func png(
        _ width: UInt32, _ height: UInt32, depth: UInt8 = 8, colour: UInt8 = 0, palette: [UInt8] = [], rows: [[UInt8]]
    ) -> [UInt8] {
        // Every row begins with the number of its filter: none.
        var data: [UInt8] = []
        for row in rows { data += [0] + row }
        let header = Archives.big(width) + Archives.big(height) + [depth, colour, 0, 0, 0]
        let compressed: [UInt8] = [0x78, 0x01] + Archives.deflated(data) + Archives.big(Archives.adler32(data))
        var file = signature + chunk("IHDR", header)
        if !palette.isEmpty { file += chunk("PLTE", palette) }
        return file + chunk("IDAT", compressed) + chunk("IEND", [])
    }

    static let signature: [UInt8] = [0x89] + Array("PNG\r\n".utf8) + [0x1A, 0x0A]

    static func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
        let body = Array(type.utf8) + data
        return Archives.big(UInt32(data.count)) + body + Archives.big(Archives.crc32(body))
    }

    /// A grey image of one value.
    static func flat(_ value: UInt8, width: Int = 2, height: Int = 2) -> [UInt8] {
        png(
            UInt32(width), UInt32(height),
            rows: [[UInt8]](repeating: [UInt8](repeating: value, count: width), count: height))
    }

    /// 8 × 8, CMYK.
    static let cmykJPEG = octets(
        [
            "ffd8ffee000e41646f626500640000000000ffdb0043000302020302020303030304030304050805050404050a070706",
            "080c0a0c0c0b0a0b0b0d0e12100d0e110e0b0b1016101113141515150c0f171816141812141514ffc000140800080008",
            "044311004d11005911004b1100ffc4001500010100000000000000000000000000000807ffc400141001000000000000",
            "00000000000000000000ffda000e0443004d0059004b00003f00602681785effd9",
        ].joined())

    static func octets(_ digits: String) -> [UInt8] {
        stride(from: 0, to: digits.utf8.count - 1, by: 2).compactMap {
            UInt8(digits.dropFirst($0).prefix(2), radix: 16)
        }
    }
}
