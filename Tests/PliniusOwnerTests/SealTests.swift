import Foundation
import Glibc
import PliniusDatasets
import PliniusMirror
import PliniusSealing
import Testing
import _PliniusTestSupport

@Suite("plinius-owner seal")
struct SealTests {
    /// Three images of 2 × 2, and their labels.
    let images: [UInt8] = [0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 2] + (0..<12).map { $0 * 20 }
    let labels: [UInt8] = [0, 0, 8, 1, 0, 0, 0, 3, 4, 9, 0]

    func idxFolder() throws -> OwnerFolder {
        let folder = try OwnerFolder()
        try folder.write(images, to: "images", mode: 0o644)
        try folder.write(labels, to: "labels", mode: 0o644)
        return folder
    }

    @Test("Synthetic digits are sealed one for one", arguments: Cipher.allCases)
    func synthetic(cipher: Cipher) throws {
        let folder = try OwnerFolder()
        let outcome = try folder.run(
            "seal", "--key", "@key", "--format", "synthetic-digits", "--count", "2500", "--seed", "9", "--cipher",
            "\(cipher)", "--out", "@digits.sealed")
        #expect(outcome.succeeded, "\(outcome.errors)")
        #expect(outcome.output == "")
        try folder.withDataset("digits.sealed") { dataset in
            #expect(dataset.header.count == 2_500)
            #expect(dataset.header.cipher == cipher)
            #expect(dataset.header.classes == 10)
            var pixels: [UInt8] = []
            for index in 0..<2_500 {
                let label = SyntheticDigits.draw(seed: 9, index: index, into: &pixels)
                let isSame = try dataset.withRecord(index) { Array($0) == pixels && Array($1) == [UInt8(label), 0] }
                #expect(isSame, "record \(index)")
            }
        }
        #expect(try folder.folder.names() == ["digits.sealed", "key"])
    }

    @Test("IDX files are sealed one for one")
    func idx() throws {
        let folder = try idxFolder()
        let outcome = try folder.run(
            "seal", "--key", "@key", "--format", "idx", "--images", "@images", "--labels", "@labels", "--out",
            "@data.sealed")
        #expect(outcome.succeeded, "\(outcome.errors)")
        try folder.withDataset("data.sealed") { dataset in
            #expect(dataset.header.count == 3)
            for (index, label) in [4, 9, 0].enumerated() {
                let image = Array(images[(16 + 4 * index)..<(20 + 4 * index)])
                let isSame = try dataset.withRecord(index) { Array($0) == image && Array($1) == [UInt8(label), 0] }
                #expect(isSame, "record \(index)")
            }
        }
    }

    @Test("Nothing of an image, a label run or the key is in the sealed file")
    func ciphertextOnly() throws {
        let folder = try OwnerFolder()
        #expect(
            try folder.run(
                "seal", "--key", "@key", "--format", "synthetic-digits", "--count", "20", "--out", "@d.sealed"
            ).succeeded)
        let file = Data(try folder.folder.read("d.sealed"))
        #expect(file.range(of: Data(folder.key.prefix(8))) == nil)
        var pixels: [UInt8] = []
        for index in 0..<20 {
            _ = SyntheticDigits.draw(seed: 1, index: index, into: &pixels)
            for row in 0..<28 {
                let part = pixels[row * 28..<row * 28 + 28]
                #expect(part.allSatisfy { $0 == 0 } || file.range(of: Data(part)) == nil)
            }
        }
    }

    @Test("An existing file is kept without --force, and replaced with it")
    func force() throws {
        let folder = try idxFolder()
        try folder.write([1, 2, 3], to: "data.sealed", mode: 0o644)
        let arguments = [
            "seal", "--key", "@key", "--format", "synthetic-digits", "--count", "2", "--out", "@data.sealed",
        ]
        try folder.expectRefusal(
            2, ["data.sealed", "already"], "seal", "--key", "@key", "--format", "synthetic-digits", "--count", "2",
            "--out",
            "@data.sealed")
        let outcome = try Program.owner.run(
            arguments.map { $0.hasPrefix("@") ? folder(String($0.dropFirst())) : $0 } + ["--force"])
        #expect(outcome.succeeded, "\(outcome.errors)")
        #expect(try folder.withDataset("data.sealed") { $0.header.count } == 2)
    }

    @Test("A failed --force keeps the old file")
    func failedForce() throws {
        let folder = try idxFolder()
        try folder.write([1, 2, 3], to: "data.sealed", mode: 0o644)
        try folder.write(images + [0], to: "images", mode: 0o644)
        try folder.expectRefusal(
            2, ["images", "byte 28"], "seal", "--key", "@key", "--format", "idx", "--images", "@images", "--labels",
            "@labels",
            "--out", "@data.sealed", "--force")
    }

    @Test("Damaged input is named with file and place, and leaves nothing behind")
    func badInput() throws {
        func refuse(images: [UInt8]? = nil, labels: [UInt8]? = nil, classes: String = "10", _ words: String...) throws {
            let folder = try OwnerFolder()
            try folder.write(images ?? self.images, to: "images", mode: 0o644)
            try folder.write(labels ?? self.labels, to: "labels", mode: 0o644)
            try folder.expectRefusal(
                2, words, "seal", "--key", "@key", "--format", "idx", "--images", "@images", "--labels", "@labels",
                "--classes", classes, "--out", "@data.sealed")
        }
        try refuse(images: [], "images", "byte 0")
        try refuse(images: Array(images.dropLast()), "images", "image 2 of 3")
        try refuse(images: [9] + images.dropFirst(), "images", "0x00000803")
        try refuse(images: [0x1F, 0x8B] + images, "images", "gzip")
        try refuse(labels: Array(labels.dropLast()), "labels", "label 2 of 3")
        try refuse(labels: labels + [0], "labels", "byte 11")
        try refuse(labels: [0, 0, 8, 1, 0, 0, 0, 4, 4, 9, 0, 1], "4 labels", "3 images")
        try refuse(classes: "9", "labels", "label 1 is 9", "9 classes")
        try refuse(classes: "1", "classes")
    }

    @Test("Missing files and contradictory options are named")
    func usage() throws {
        let folder = try idxFolder()
        try folder.expectRefusal(
            2, ["nothing", "No such file"], "seal", "--key", "@key", "--format", "idx", "--images", "@nothing",
            "--labels",
            "@labels", "--out", "@data.sealed")
        try folder.expectRefusal(
            2, ["nokey", "No such file"], "seal", "--key", "@nokey", "--format", "synthetic-digits", "--count", "1",
            "--out",
            "@data.sealed")
        try folder.expectRefusal(
            2, ["--labels"], "seal", "--key", "@key", "--format", "idx", "--images", "@images", "--out", "@data.sealed")
        try folder.expectRefusal(
            2, ["--count"], "seal", "--key", "@key", "--format", "synthetic-digits", "--out", "@data.sealed")
        try folder.expectRefusal(
            2, ["--count"], "seal", "--key", "@key", "--format", "synthetic-digits", "--count", "0", "--out",
            "@data.sealed")
        try folder.expectRefusal(
            2, ["--images"], "seal", "--key", "@key", "--format", "synthetic-digits", "--count", "1", "--images",
            "@images",
            "--out", "@data.sealed")
        try folder.expectRefusal(
            2, ["des", "aes-256-gcm"], "seal", "--key", "@key", "--format", "synthetic-digits", "--count", "1",
            "--cipher",
            "des", "--out", "@data.sealed")
        try folder.expectRefusal(
            2, ["nowhere"], "seal", "--key", "@key", "--format", "synthetic-digits", "--count", "1", "--out",
            "@nowhere/data.sealed")
    }

    @Test("A key that others may read, or of another length, is refused with the remedy")
    func badKeys() throws {
        let folder = try OwnerFolder()
        func refuse(_ name: String, _ words: String...) throws {
            try folder.expectRefusal(
                2, words, "seal", "--key", "@\(name)", "--format", "synthetic-digits", "--count", "1", "--out",
                "@data.sealed")
        }
        try folder.write(folder.key, to: "open", mode: 0o644)
        try folder.write(Array(folder.key.dropLast()), to: "short", mode: 0o600)
        try folder.write(folder.key + [10], to: "long", mode: 0o600)
        try refuse("open", "0644", "chmod 600")
        try refuse("short", "31 bytes", "32")
        try refuse("long", "33 bytes", "32")
    }

    @Test("A full disk ends it with exit code 1, and no part of a file stays")
    func diskFull() throws {
        let folder = try OwnerFolder()
        let shell = Process()
        shell.executableURL = URL(filePath: "/bin/sh")
        // A limit of the file size stands for the full disk: 1 block, 512 bytes.
        shell.arguments = [
            "-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\"", Program.owner.path, "seal", "--key", folder("key"),
            "--format", "synthetic-digits", "--count", "100", "--out", folder("data.sealed"),
        ]
        let errors = Pipe()
        shell.standardError = errors
        try shell.run()
        let said = String(decoding: try errors.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        shell.waitUntilExit()
        #expect(shell.terminationStatus == 1, "\(said)")
        #expect(said.contains("cannot be written"))
        #expect(try folder.folder.names() == ["key"])
    }

    @Test("A killed sealing leaves no file behind")
    func killed() throws {
        let folder = try OwnerFolder()
        let program = try Program.owner.start([
            "seal", "--key", folder("key"), "--format", "synthetic-digits", "--count", "100000000", "--out",
            folder("data.sealed"),
        ])
        let began = try program.wait(until: {
            $0.openFiles.values.contains { $0.hasPrefix(folder.folder.path) && !$0.hasSuffix("/key") }
        })
        #expect(began)
        program.signal(SIGKILL)
        #expect(try program.wait().status == .signalled(SIGKILL))
        #expect(try folder.folder.names() == ["key"])
    }

    @Test("MNIST is sealed and verified whole", .enabled(if: testData != nil, "PLINIUS_DATA names no folder"))
    func mnist() throws {
        let folder = try OwnerFolder()
        let data = try #require(testData) + "/mnist"
        let outcome = try folder.run(
            "seal", "--key", "@key", "--format", "idx", "--images", "\(data)/t10k-images-idx3-ubyte.gz", "--labels",
            "\(data)/t10k-labels-idx1-ubyte.gz", "--out", "@test.sealed")
        #expect(outcome.succeeded, "\(outcome.errors)")
        #expect(try folder.run("verify", "--key", "@key", "@test.sealed").succeeded)
        #expect(try folder.withDataset("test.sealed") { $0.header.fileByteCount } == 4_096 + 10_000 * 802)
        #expect(try folder.folder.read("test.sealed").count == 4_096 + 10_000 * 802)
    }
}
