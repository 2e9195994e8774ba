import Foundation
import PliniusDatasets
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

    /// All records, image and truth behind each other.
    func wholeRecords(_ name: String, in folder: OwnerFolder) throws -> [[UInt8]] {
        try folder.withDataset(name) { dataset in
            try (0..<dataset.header.count).map { index in try dataset.withRecord(index) { Array($0) + Array($1) } }
        }
    }

    /// Seals, and gives the records and what the command said.
    func seal(_ folder: OwnerFolder, _ arguments: String...) throws -> (records: [[UInt8]], outcome: ProgramOutcome) {
        let all = ["seal", "--key", "@key", "--format"] + arguments + ["--out", "@data.sealed", "--force"]
        let outcome = try Program.owner.run(all.map { $0.hasPrefix("@") ? folder(String($0.dropFirst())) : $0 })
        #expect(outcome.succeeded, "\(outcome.errors)")
        #expect(try folder.run("verify", "--key", "@key", "@data.sealed").succeeded)
        return (try wholeRecords("data.sealed", in: folder), outcome)
    }

    @Test("Images with boxes and with masks are sealed, and their labels told")
    func annotated() throws {
        let folder = try OwnerFolder()
        for name in ["images", "labels", "mask"] {
            try FileManager.default.createDirectory(atPath: folder(name), withIntermediateDirectories: true)
        }
        try folder.write(image(64), to: "images/1.png", mode: 0o644)
        try folder.write(Array("1 0.5 0.5 1 0.25\n".utf8), to: "labels/1.txt", mode: 0o644)
        try folder.write(image(1), to: "mask/1.png", mode: 0o644)
        try folder.write(image(9), to: "images/2.png", mode: 0o644)
        try folder.write(Array("images/1.png\n".utf8), to: "list", mode: 0o644)
        try folder.write(Array("images/1.png\nimages/2.png\n".utf8), to: "more", mode: 0o644)
        try folder.write(Array("cat\ndog\n".utf8), to: "names", mode: 0o644)
        let common = ["--names", "@names", "--root", folder.folder.path, "--channels", "1", "--resize", "2x1"]
        func seal(_ format: String, _ list: String, _ more: String...) throws -> ([[UInt8]], ProgramOutcome) {
            let all =
                ["seal", "--key", "@key", "--format", format, "--images", list] + common + more
                + ["--out", "@\(format).sealed", "--force"]
            let outcome = try Program.owner.run(all.map { $0.hasPrefix("@") ? folder(String($0.dropFirst())) : $0 })
            #expect(outcome.succeeded, "\(outcome.errors)")
            #expect(outcome.output == "label 0: cat\nlabel 1: dog\n")
            return (try wholeRecords("\(format).sealed", in: folder), outcome)
        }
        // The image is the left half of the frame: class 1, then 0.25, 0.5, 0.5, 0.25.
        let box: [UInt8] = [1, 0, 0, 0] + [0, 0, 0x80, 0x3E, 0, 0, 0, 0x3F, 0, 0, 0, 0x3F, 0, 0, 0x80, 0x3E]
        #expect(
            try seal("yolo", "@list", "--boxes", "2").0
                == [[64, 128, 1, 0, 0, 0] + box + [UInt8](repeating: 0, count: 20)])
        #expect(try seal("yolo", "@list", "--boxes", "1", "--fit", "stretch").0[0].prefix(2) == [64, 64])
        #expect(try seal("segmentation", "@list").0 == [[64, 128, 1, 255]])
        #expect(try seal("segmentation", "@list", "--fit", "stretch").0 == [[64, 64, 1, 1]])
        let skipping = try seal("yolo", "@more", "--skip-bad")
        #expect(skipping.0.count == 1 && skipping.1.errors.contains("labels/2.txt"))
        let refused = try Program.owner.run(
            [
                "seal", "--key", folder("key"), "--format", "yolo", "--images", folder("more"), "--names",
                folder("names"),
            ]
                + common.dropFirst(2) + ["--out", folder("no.sealed")])
        #expect(
            refused.status == .exited(2) && refused.errors.contains("labels/2.txt: No such file"), "\(refused.errors)")
        let inspected = try folder.run("inspect", "@yolo.sealed")
        #expect(inspected.output.contains("truth      boxes of 90"))
    }

    @Test("Tables of numbers are sealed")
    func regression() throws {
        let folder = try OwnerFolder()
        try folder.write(Array("a,b\n1,2\n3,255\n".utf8), to: "features", mode: 0o644)
        try folder.write(Array("1\n-2\n".utf8), to: "targets", mode: 0o644)
        let (records, _) = try seal(folder, "regression", "--features", "@features", "--targets", "@targets")
        #expect(records == [[1, 2, 0, 0, 0x80, 0x3F], [3, 255, 0, 0, 0, 0xC0]])
        try folder.write(image(5), to: "1.png", mode: 0o644)
        try folder.write(Array("1.png\n1.png\n".utf8), to: "list", mode: 0o644)
        let (images, _) = try seal(
            folder, "regression", "--images", "@list", "--targets", "@targets", "--root", folder.folder.path,
            "--resize",
            "1x1", "--channels", "1")
        #expect(images == [[5, 0, 0, 0x80, 0x3F], [5, 0, 0, 0, 0xC0]])
    }

    @Test("Text is sealed in windows, and what is left out is told")
    func text() throws {
        let folder = try OwnerFolder()
        try folder.write(Array("abcdefgh".utf8), to: "text", mode: 0o644)
        let (records, outcome) = try seal(folder, "text", "--text", "@text", "--window", "3")
        #expect(records == ["abcd", "defg"].map { Array($0.utf8) })
        #expect(outcome.errors.contains("the last 1 bytes"))
        #expect(try folder.withDataset("data.sealed") { $0.header.classes } == 256)
    }

    @Test("Synthetic pages and text are sealed one for one")
    func synthetic() throws {
        let folder = try OwnerFolder()
        func expect(_ source: some RecordSource, _ records: [[UInt8]]) throws {
            var (pixels, truth): ([UInt8], [UInt8]) = ([], [])
            for record in records {
                #expect(try source.next(into: &pixels, truth: &truth))
                #expect(pixels + truth == record)
            }
        }
        try expect(
            SyntheticScenes(count: 3, seed: 5, .boxes),
            seal(folder, "synthetic-boxes", "--count", "3", "--seed", "5").records)
        try expect(
            SyntheticScenes(count: 3, seed: 1, .masks), seal(folder, "synthetic-masks", "--count", "3").records)
        try expect(
            SyntheticText(count: 3, seed: 1, steps: 9, .sentences),
            seal(folder, "synthetic-text", "--count", "3", "--window", "9").records)
        try expect(
            SyntheticText(count: 3, seed: 4, steps: 9, .chain),
            seal(folder, "synthetic-chain", "--count", "3", "--window", "9", "--seed", "4").records)
        try expect(
            SyntheticShapes(count: 3, seed: 1, channels: 1, side: 28, .kinds),
            seal(folder, "synthetic-shapes", "--count", "3", "--channels", "1", "--side", "28").records)
        try expect(
            SyntheticShapes(count: 3, seed: 2, .places),
            seal(folder, "synthetic-places", "--count", "3", "--seed", "2").records)
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
            (["yolo", "--images", "@x", "--names", "@x"], ["--resize missing"]),
            (["yolo", "--images", "@x", "--names", "@key", "--resize", "0x1"], ["x: No such file"]),
            (
                ["segmentation", "--images", "@x", "--names", "@x", "--resize", "1x1", "--boxes", "2"],
                ["--boxes not known"]
            ),
            (["regression", "--targets", "@x"], ["either --images or --features"]),
            (
                ["regression", "--targets", "@x", "--features", "@x", "--images", "@x"],
                ["either --images or --features"]
            ),
            (["regression", "--targets", "@x", "--images", "@x"], ["--resize with --images"]),
            (["regression", "--targets", "@x", "--features", "@x"], ["x: No such file"]),
            (["text", "--text", "@key"], ["--window missing"]),
            (["text", "--text", "@key", "--window", "0"], ["1 to 65535 characters"]),
            (["text", "--text", "@key", "--window", "40"], ["32 bytes", "41"]),
            (["synthetic-text", "--count", "1", "--window", "0"], ["--window is 0"]),
            (["synthetic-boxes", "--count", "0"], ["--count is 0"]),
            (["synthetic-masks", "--count", "1", "--window", "3"], ["--window not known"]),
            (["synthetic-chain", "--count", "1", "--window", "65536"], ["--window is 65536"]),
            (["synthetic-shapes", "--side", "20"], ["--count missing"]),
            (["synthetic-shapes", "--count", "1", "--side", "15"], ["--side is 15"]),
            (["synthetic-shapes", "--count", "1", "--side", "257"], ["--side is 257"]),
            (["synthetic-places", "--count", "1", "--channels", "2"], ["--channels is 2"]),
            (["synthetic-digits", "--count", "1", "--side", "28"], ["--side not known"]),
        ])
    func usage(arguments: [String], words: [String]) throws {
        let folder = try OwnerFolder()
        try folder.expectRefusal(
            2, words, ["seal", "--key", "@key", "--format"] + arguments + ["--out", "@data.sealed"])
    }
}
