import Foundation
import PliniusMirror
import Testing
import _PliniusTestSupport

@Suite("plinius-owner seal: formats of data sets")
struct SealFormatsTests {
    /// A PNG file of one grey pixel.
    func image(_ value: UInt8) -> [UInt8] {
        func big(_ number: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) } }
        func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
            let body = Array(type.utf8) + data
            let crc = ~body.reduce(~0 as UInt32) { crc, byte in
                (0..<8).reduce(crc ^ UInt32(byte)) { crc, _ in crc >> 1 ^ (crc & 1 == 1 ? 0xEDB8_8320 : 0) }
            }
            return big(UInt32(data.count)) + body + big(crc)
        }
        // One row of one grey pixel, stored; its Adler-32 sums are 1 + value and 2 + value.
        let sums = (UInt32(value) + 2) << 16 | (UInt32(value) + 1)
        return [0x89, 0x50, 0x4E, 0x47, 13, 10, 26, 10] + chunk("IHDR", big(1) + big(1) + [8, 0, 0, 0, 0])
            + chunk("IDAT", [0x78, 1, 1, 2, 0, 0xFD, 0xFF, 0, value] + big(sums)) + chunk("IEND", [])
    }

    /// Classes `a` and `b`, a grey pixel each.
    func folder() throws -> OwnerFolder {
        let folder = try OwnerFolder()
        for (name, value) in [("a", 64), ("b", 192)] as [(String, UInt8)] {
            try FileManager.default.createDirectory(
                atPath: folder("images/\(name)"), withIntermediateDirectories: true)
            try folder.write(image(value), to: "images/\(name)/1.png", mode: 0o644)
        }
        return folder
    }

    func records(_ name: String, in folder: OwnerFolder) throws -> [[UInt8]] {
        try folder.withDataset(name) { dataset in
            try (0..<dataset.header.count).map { index in
                try dataset.withRecord(index) { Array($0) + [$1[0]] }
            }
        }
    }

    @Test("A folder of images is sealed, and its labels are told")
    func folderOfImages() throws {
        let folder = try folder()
        let outcome = try folder.run(
            "seal", "--key", "@key", "--format", "folder", "--images", "@images", "--out", "@data.sealed")
        #expect(outcome.succeeded, "\(outcome.errors)")
        #expect(outcome.output == "label 0: a\nlabel 1: b\n" && outcome.errors == "")
        #expect(try records("data.sealed", in: folder) == [[64, 64, 64, 0], [192, 192, 192, 1]])
        try folder.write([1, 2, 3], to: "images/a/0.png", mode: 0o644)
        let refused = try folder.run(
            "seal", "--key", "@key", "--format", "folder", "--images", "@images", "--out", "@no.sealed")
        #expect(refused.status == .exited(2) && refused.errors.contains("images/a/0.png"), "\(refused.errors)")
        let skipping = try folder.run(
            "seal", "--key", "@key", "--format", "folder", "--images", "@images", "--channels", "1", "--resize", "2x1",
            "--skip-bad", "--out", "@more.sealed")
        #expect(skipping.succeeded, "\(skipping.errors)")
        #expect(skipping.errors.contains("1 files were passed over, 2 sealed") && skipping.errors.contains("a/0.png"))
        #expect(try records("more.sealed", in: folder) == [[64, 64, 0], [192, 192, 1]])
    }

    @Test("A Darknet list is sealed")
    func darknetList() throws {
        let folder = try folder()
        try folder.write(Array("images/b/1.png\nimages/a/1.png\n".utf8), to: "list", mode: 0o644)
        try folder.write(Array("b\na\n".utf8), to: "names", mode: 0o644)
        let outcome = try folder.run(
            "seal", "--key", "@key", "--format", "darknet-list", "--images", "@list", "--names", "@names", "--root",
            folder.folder.path, "--channels", "1", "--out", "@data.sealed")
        #expect(outcome.succeeded, "\(outcome.errors)")
        #expect(outcome.output == "label 0: b\nlabel 1: a\n")
        #expect(try records("data.sealed", in: folder) == [[192, 0], [64, 1]])
    }

    @Test("CIFAR's files are sealed, one by one and as a folder")
    func cifar() throws {
        let folder = try OwnerFolder()
        let record = [7] + (0..<3072).map { UInt8(truncatingIfNeeded: $0) }
        try folder.write(record + record, to: "test_batch.bin", mode: 0o644)
        for (name, arguments, count) in [
            ("one", ["@test_batch.bin"], 2), ("two", ["@test_batch.bin", "--images", "@test_batch.bin"], 4),
            ("folder", [folder.folder.path, "--split", "test"], 2),
        ] {
            let all =
                ["seal", "--key", "@key", "--format", "cifar10", "--images"] + arguments + ["--out", "@\(name).sealed"]
            let outcome = try Program.owner.run(all.map { $0.hasPrefix("@") ? folder(String($0.dropFirst())) : $0 })
            #expect(outcome.succeeded, "\(outcome.errors)")
            #expect(
                try records("\(name).sealed", in: folder)
                    == [[UInt8]](repeating: record.dropFirst() + [7], count: count))
        }
    }

    @Test(
        "Options of other formats, and missing ones, are named",
        arguments: [
            (["npz", "--images", "@x"], ["--split missing"]),
            (["npz", "--images", "@x", "--split", "val"], ["x: No such file"]),
            (["npz", "--images", "@key", "--split", "val"], ["no zip archive"]),
            (["npz", "--images", "@key", "--split", "val", "--resize", "2x2"], ["--resize not known"]),
            (["folder", "--images", "@x", "--images", "@y"], ["one --images"]),
            (["folder", "--images", "@x"], ["x: it cannot be listed"]),
            (["folder", "--images", "@x", "--resize", "12"], ["--resize", "12"]),
            (["darknet-list", "--images", "@x"], ["--names missing"]),
            (["cifar10", "--images", "@x", "--split", "val"], ["--split", "train or test"]),
            (["cifar100", "--images", "@key"], ["no whole records of 3074"]),
            (["cifar100-coarse", "--images", "@key", "--skip-bad"], ["--skip-bad not known"]),
            (["idx", "--images", "@x", "--labels", "@x", "--split", "test"], ["--split not known"]),
        ])
    func usage(arguments: [String], words: [String]) throws {
        let folder = try OwnerFolder()
        try folder.expectRefusal(
            2, words, ["seal", "--key", "@key", "--format"] + arguments + ["--out", "@data.sealed"])
    }
}
