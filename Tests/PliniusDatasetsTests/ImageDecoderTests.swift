import Foundation
import Glibc
import PliniusDatasets
import Testing
import _PliniusFuzzing
import _PliniusTestSupport

@Suite("Decoding of images")
struct ImageDecoderTests {
    struct Kind: Sendable {
        var name: String
        var file: [UInt8]
        var channels: Int
        var pixels: [UInt8]
    }

    /// Two pixels each, by every way that PNG has to write them.
    static let kinds = [
        Kind(name: "grey", file: Images.png(2, 1, rows: [[7, 250]]), channels: 1, pixels: [7, 250]),
        Kind(name: "two rows", file: Images.png(1, 2, rows: [[7], [250]]), channels: 1, pixels: [7, 250]),
        Kind(name: "one bit", file: Images.png(2, 1, depth: 1, rows: [[0b0100_0000]]), channels: 1, pixels: [0, 255]),
        Kind(name: "four bits", file: Images.png(2, 1, depth: 4, rows: [[0x1F]]), channels: 1, pixels: [17, 255]),
        Kind(
            name: "sixteen bits", file: Images.png(2, 1, depth: 16, rows: [[0x80, 0x80, 0xFF, 0xFF]]), channels: 1,
            pixels: [128, 255]),
        Kind(
            name: "colours", file: Images.png(2, 1, colour: 2, rows: [[1, 2, 3, 4, 5, 6]]), channels: 3,
            pixels: [1, 2, 3, 4, 5, 6]),
        Kind(
            name: "palette",
            file: Images.png(2, 1, colour: 3, palette: [9, 8, 7, 1, 2, 3], rows: [[1, 0]]), channels: 3,
            pixels: [1, 2, 3, 9, 8, 7]),
        Kind(
            name: "grey, alpha", file: Images.png(2, 1, colour: 4, rows: [[7, 0, 9, 255]]), channels: 1, pixels: [7, 9]),
        Kind(
            name: "colours, alpha", file: Images.png(2, 1, colour: 6, rows: [[1, 2, 3, 0, 4, 5, 6, 128]]), channels: 3,
            pixels: [1, 2, 3, 4, 5, 6]),
    ]

    @Test("Every kind of PNG is decoded, with and without a process of its own")
    func png() throws {
        let decoder = try ImageDecoder()
        for kind in Self.kinds {
            let image = try decoder.decode(kind.file, name: kind.name)
            #expect(image.pixels == kind.pixels && image.channels == kind.channels, "\(kind.name): \(image)")
            #expect(image.width * image.height == 2)
            #expect(try ImageDecoder.decodeUnconfined(kind.file, name: kind.name) == image)
        }
    }

    @Test("JPEG is decoded to what was written, nearly")
    func jpeg() throws {
        let decoder = try ImageDecoder()
        let grey = try decoder.decode(SampleJPEG.grey, name: "grey")
        #expect(grey.width == 8 && grey.height == 8 && grey.channels == 1)
        for (place, value) in grey.pixels.enumerated() {
            #expect(abs(Int(value) - (place % 8 * 8 + place / 8 * 4)) <= 6, "\(place)")
        }
        for (file, width) in [(SampleJPEG.colours, 8), (SampleJPEG.progressive, 16)] {
            let image = try decoder.decode(file, name: "colour")
            #expect(image.width == width && image.height == 8 && image.channels == 3)
            for (place, value) in image.pixels.enumerated() {
                #expect(abs(Int(value) - [200, 100, 50][place % 3]) <= 3, "\(place)")
            }
            #expect(try ImageDecoder.decodeUnconfined(file, name: "colour") == image)
        }
    }

    // MARK: Refusals

    static let files = [
        Images.png(2, 2, colour: 2, rows: [[1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12]]), SampleJPEG.grey,
        SampleJPEG.colours, SampleJPEG.progressive,
    ]

    @Test("Each truncation is refused", arguments: files)
    func truncated(file: [UInt8]) throws {
        let decoder = try ImageDecoder()
        for length in 0..<file.count {
            let error = try #require(throws: SourceError.self, "\(length) bytes") {
                try decoder.decode(Array(file[..<length]), name: "cut")
            }
            #expect([.truncated, .damaged, .wrongFormat].contains(error.code), "\(length): \(error)")
        }
        #expect(try decoder.decode(file, name: "whole").width > 0)
    }

    @Test("Each flipped bit of a PNG file is refused by signature or checksum")
    func flipped() throws {
        let file = Self.files[0]
        for bit in 0..<file.count * 8 {
            var bytes = file
            bytes[bit / 8] ^= 1 << (bit % 8)
            #expect(throws: SourceError.self, "bit \(bit)") {
                try ImageDecoder.decodeUnconfined(bytes, name: "flipped")
            }
        }
    }

    @Test("Wrong sizes, colours and kinds are refused by name")
    func refusals() throws {
        let decoder = try ImageDecoder()
        func refuse(_ file: [UInt8], _ code: SourceError.Code, _ word: String) throws {
            let error = try #require(throws: SourceError.self) { try decoder.decode(file, name: "x.png") }
            #expect(error.code == code && error.description.contains(word), "\(error)")
            #expect(error.file == "x.png")
        }
        try refuse(Images.png(60_000, 60_000, rows: [[1]]), .oversized, "60000 x 60000")
        try refuse(Images.png(70_000, 1, rows: [[1]]), .oversized, "70000 x 1")
        try refuse(Images.png(0, 1, rows: [[]]), .damaged, "IHDR")
        try refuse(Images.png(.max, .max, rows: [[]]), .damaged, "out of range")
        try refuse(Images.png(2, 1, depth: 3, rows: [[1]]), .damaged, "IHDR")
        try refuse(Images.png(2, 1, colour: 3, rows: [[1, 0]]), .damaged, "PLTE")
        // Fewer and more pixels than said.
        try refuse(Images.png(2, 3, rows: [[1, 2]]), .damaged, "Not enough image data")
        try refuse(Images.png(2, 1, rows: [[1, 2], [3, 4]]), .damaged, "Too much image data")
        try refuse(Images.cmykJPEG, .unsupported, "CMYK")
        var huge = SampleJPEG.grey
        let frame = try #require(huge.indices.first { huge[$0...].starts(with: [0xFF, 0xC0]) })
        huge.replaceSubrange(frame + 5..<frame + 9, with: [0xFF, 0xDC, 0xFF, 0xDC])
        try refuse(huge, .oversized, "65500 x 65500")
        try refuse(Array("GIF89a and so on".utf8), .wrongFormat, "neither PNG nor JPEG")
        try refuse([], .wrongFormat, "neither")
        var limits = ImageLimits()
        limits.byteCount = 100
        limits.pixels = 3
        let small = try ImageDecoder(limits: limits)
        #expect(throws: SourceError.self) { try small.decode(SampleJPEG.grey, name: "grey") }
        #expect(throws: SourceError.self) { try small.decode(Images.flat(1), name: "four") }
        #expect(try small.decode(Images.png(3, 1, rows: [[1, 2, 3]]), name: "three").pixels == [1, 2, 3])
    }

    // MARK: The process

    @Test("The decoder's process is confined, and has nothing open but its socket")
    func confined() throws {
        let decoder = try ImageDecoder()
        let process = try #require(decoder.processIdentifier)
        let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
        #expect(status.contains("NoNewPrivs:\t1\n"))
        // 2: a filter.
        #expect(status.contains("Seccomp:\t2\n"))
        // Only root sees what a process that cannot be dumped has open.
        if geteuid() == 0 {
            #expect(try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd") == ["0"])
        }
    }

    @Test("A decoder that dies or hangs is an error about the image, and its process is gone")
    func dead() throws {
        for (signal, code) in [(SIGKILL, SourceError.Code.damaged), (SIGSTOP, .oversized)] {
            var limits = ImageLimits()
            if signal == SIGSTOP { limits.milliseconds = 200 }
            let decoder = try ImageDecoder(limits: limits)
            let process = try #require(decoder.processIdentifier)
            kill(pid_t(process), signal)
            let error = try #require(throws: SourceError.self) { try decoder.decode(Images.flat(1), name: "x.png") }
            #expect(error.code == code, "\(error)")
            #expect(decoder.processIdentifier == nil)
            #expect(kill(pid_t(process), 0) != 0)
            #expect(throws: SourceError.self) { try decoder.decode(Images.flat(1), name: "x.png") }
        }
    }

    // MARK: Scaling

    @Test(
        "Scaling is bilinear with the corners kept",
        arguments: [(2, 2, 3, 3), (5, 4, 2, 3), (1, 1, 4, 4), (7, 3, 1, 1), (3, 8, 8, 3), (4, 4, 4, 4), (6, 1, 3, 5)])
    func scaling(width: Int, height: Int, newWidth: Int, newHeight: Int) throws {
        var random = SplitMix(state: UInt64(width * 1_000 + height))
        let bytes = (0..<width * height * 3).map { _ in random.byte() }
        let rows = (0..<height).map { Array(bytes[$0 * width * 3..<($0 + 1) * width * 3]) }
        let image = try ImageDecoder.decodeUnconfined(
            Images.png(UInt32(width), UInt32(height), colour: 2, rows: rows), name: "random")
        let scaled = image.fitted(to: ImageExtents(channels: 3, height: newHeight, width: newWidth))
        #expect(scaled.count == 3 * newHeight * newWidth)
        func place(_ index: Int, _ new: Int, _ old: Int) -> Double {
            new > 1 ? Double(index) * Double(old - 1) / Double(new - 1) : Double(old - 1) / 2
        }
        for channel in 0..<3 {
            func pixel(_ x: Int, _ y: Int) -> Double {
                Double(bytes[(min(y, height - 1) * width + min(x, width - 1)) * 3 + channel])
            }
            for row in 0..<newHeight {
                for column in 0..<newWidth {
                    let (x, y) = (place(column, newWidth, width), place(row, newHeight, height))
                    let (left, top) = (Int(x + 1e-9), Int(y + 1e-9))
                    let (right, down) = (x - Double(left), y - Double(top))
                    let upper = pixel(left, top) * (1 - right) + pixel(left + 1, top) * right
                    let lower = pixel(left, top + 1) * (1 - right) + pixel(left + 1, top + 1) * right
                    let expected = upper * (1 - down) + lower * down
                    let found = Double(scaled[(channel * newHeight + row) * newWidth + column])
                    #expect(abs(found - expected) <= 0.5 + 1e-6, "\(channel) \(row) \(column)")
                }
            }
        }
    }

    @Test("Grey becomes three channels, and colours become grey by Rec. 601")
    func colours() throws {
        let grey = try ImageDecoder.decodeUnconfined(Images.png(2, 1, rows: [[7, 250]]), name: "grey")
        #expect(grey.fitted(to: ImageExtents(channels: 3, height: 1, width: 2)) == [7, 250, 7, 250, 7, 250])
        let row: [UInt8] = [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255]
        let colours = try ImageDecoder.decodeUnconfined(Images.png(4, 1, colour: 2, rows: [row]), name: "colours")
        #expect(colours.fitted(to: ImageExtents(channels: 1, height: 1, width: 4)) == [76, 150, 29, 255])
        #expect(
            colours.fitted(to: ImageExtents(channels: 3, height: 1, width: 4))
                == [255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255])
    }

    struct SplitMix {
        var state: UInt64
        mutating func byte() -> UInt8 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 40)
        }
    }
}
