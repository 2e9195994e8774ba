import Glibc
import PliniusSealing
import Testing
import _PliniusTestSupport

@Suite("Key files")
struct KeyFileTests {
    let folder: TemporaryDirectory

    init() throws {
        folder = try TemporaryDirectory()
    }

    func key(_ bytes: [UInt8], mode: mode_t) throws -> SecretBytes {
        let path = try folder.write(bytes, to: "key")
        chmod(path, mode)
        let descriptor = open(path, O_RDONLY)
        defer { close(descriptor) }
        return try SecretBytes(keyFile: descriptor)
    }

    @Test("A private file of 32 bytes is read, wherever the descriptor stands")
    func good() throws {
        let bytes = randomBytes(32)
        #expect(try key(bytes, mode: 0o600).array == bytes)
        #expect(try key(bytes, mode: 0o400).array == bytes)
        let descriptor = open(folder("key"), O_RDONLY)
        defer { close(descriptor) }
        lseek(descriptor, 9, SEEK_SET)
        #expect(try SecretBytes(keyFile: descriptor).array == bytes)
    }

    @Test("A file of another length is refused with both lengths", arguments: [0, 1, 16, 31, 33, 64, 5_000])
    func length(count: Int) throws {
        let error = try #require(throws: KeyFileError.self) { try key(randomBytes(count), mode: 0o600) }
        #expect(error.message.contains("a key has exactly 32"))
        #expect(error.message.contains("\(count) bytes") && error.message.contains("32"))
    }

    @Test(
        "A file that others may use is refused with the remedy",
        arguments: [0o604, 0o640, 0o620, 0o602, 0o601, 0o644, 0o777])
    func exposed(mode: mode_t) throws {
        let error = try #require(throws: KeyFileError.self) { try key(randomBytes(32), mode: mode) }
        #expect(error.message.contains("others may use it"))
        #expect(error.message.contains("0" + String(mode, radix: 8)) && error.message.contains("chmod 600"))
    }

    @Test("What is no regular file is refused")
    func notAFile() throws {
        let folder = open(folder.path, O_RDONLY)
        let zero = open("/dev/zero", O_RDONLY)
        defer {
            close(folder)
            close(zero)
        }
        for descriptor in [folder, zero] {
            let error = try #require(throws: KeyFileError.self) { try SecretBytes(keyFile: descriptor) }
            #expect(error.message.contains("is not a regular file"))
        }
        let error = try #require(throws: KeyFileError.self) { try SecretBytes(keyFile: -1) }
        #expect(error.message.contains("cannot be examined"))
    }
}
