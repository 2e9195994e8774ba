import PliniusMedia
import PliniusSealing
import _PliniusSupport

/// The first 8192 bytes of a run's extent: which run it is.
///
/// Written once, when the run begins.
///
/// ```
/// 0    magic "PLINMIRR"        64   layout digest      128  arena bytes, u64     152  slot bytes, u64
/// 8    version, u32            96   data set id        136  chunk bytes, u32     160  offset of slot B, u64
/// 12   superblock bytes, u32   112  seed, u64          140  chunk count, u32     168  key check
/// 16   run id                  120  cipher, sampling,  144  offset of slot A,    184  description bytes, u32
/// 32   config digest                executor, zero: u8      u64                  188  SHA-256 of the description
///                              124  threads, u32                                 220  name: u8 length, 40 bytes
///                                                                                261  1 if it keeps a best model, u8
///                                                                                262  1 if it has an init seed, u8
///                                                                                263  init seed, u64
///                                                                                271  zeros
///                                                                                8128 MAC over all before it
///                                                                                8160 SHA-256 of all before it
/// ```
///
/// Little-endian. Magic, version and the closing digest stay where they are in every version. The digest needs no key: it tells a
/// damaged superblock from a wrong key, and is no protection against anybody. The MAC is.
struct Superblock: Hashable {
    static let magic = UInt64(littleEndianBytes: "PLINMIRR")
    static let version: UInt32 = 2
    private static let nameOffset = 220
    private static let nameEnd = nameOffset + 1 + RunName.maximumByteCount
    private static let end = nameEnd + 10
    private static let macOffset = 8128
    private static let digestOffset = 8160

    var identity: RunIdentity
    var layout: MirrorLayout
    var keyCheck: [UInt8]
    /// Of the text that describes the network.
    var descriptionDigest: [UInt8]

    /// The bytes for the extent.
    func encoded(_ keys: RunKeys) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(Self.magic)
        writer.write(Self.version)
        writer.write(UInt32(MirrorLayout.superblockBytes))
        writer.write(bytes: identity.runID)
        writer.write(bytes: identity.configDigest)
        writer.write(bytes: identity.layoutDigest)
        writer.write(bytes: identity.datasetID)
        writer.write(identity.seed)
        writer.write(bytes: [identity.cipher.rawValue, identity.sampling, identity.executor, 0])
        writer.write(identity.threads)
        writer.write(UInt64(layout.arenaBytes))
        writer.write(UInt32(layout.chunkBytes))
        writer.write(UInt32(layout.chunkCount))
        writer.write(UInt64(layout.range(of: .a).lowerBound))
        writer.write(UInt64(layout.slotBytes))
        writer.write(UInt64(layout.range(of: .b).lowerBound))
        writer.write(bytes: keyCheck)
        writer.write(UInt32(layout.descriptionBytes))
        writer.write(bytes: descriptionDigest)
        writer.write(UInt8(identity.name.description.utf8.count))
        writer.write(bytes: Array(identity.name.description.utf8))
        writer.pad(to: Self.nameEnd)
        writer.write(bytes: [identity.isBest ? 1 : 0, identity.initSeed == nil ? 0 : 1])
        writer.write(identity.initSeed ?? 0)
        writer.pad(to: Self.macOffset)
        writer.write(bytes: keys.superblockMAC(over: writer.bytes))
        writer.write(bytes: sha256(writer.bytes))
        return writer.bytes
    }

    /// Reads the superblock of a run without a key: what it says is a claim.
    /// - Returns: The claim, and the bytes that ``authenticate(_:with:)`` needs.
    /// - Throws: `.notAMirror`, `.tampered`, `.unsupportedVersion`.
    static func read(from extent: Extent) throws(MirrorError) -> (Superblock, bytes: [UInt8]) {
        guard extent.byteCount >= MirrorLayout.superblockBytes else { throw .notAMirror }
        let bytes = extent.read(0..<MirrorLayout.superblockBytes)
        var reader = ByteReader(bytes)
        do {
            guard try reader.read(UInt64.self) == magic else { throw MirrorError.notAMirror }
            guard sha256(Array(bytes[..<digestOffset])) == Array(bytes[digestOffset...]) else {
                throw MirrorError.tampered("superblock", "its digest does not match its bytes")
            }
            let version = try reader.read(UInt32.self)
            guard version == Self.version else { throw MirrorError.unsupportedVersion(version) }
            return (try parse(&reader, extentBytes: extent.byteCount), bytes)
        } catch let error as MirrorError {
            throw error
        } catch {
            throw .tampered("superblock", "\(error)")
        }
    }

    /// Reads the fields after the version.
    private static func parse(_ reader: inout ByteReader, extentBytes: Int) throws -> Superblock {
        let size = try reader.read(UInt32.self)
        let runID = try reader.readBytes(16)
        let configDigest = try reader.readBytes(32)
        let layoutDigest = try reader.readBytes(32)
        let datasetID = try reader.readBytes(16)
        let seed = try reader.read(UInt64.self)
        let cipher = Cipher(rawValue: try reader.read())
        let sampling = try reader.read(UInt8.self)
        let executor = try reader.read(UInt8.self)
        let zero = try reader.read(UInt8.self)
        let threads = try reader.read(UInt32.self)
        let (arenaBytes, chunkBytes) = (try reader.read(UInt64.self), try reader.read(UInt32.self))
        let chunkCount = try reader.read(UInt32.self)
        let places = [try reader.read(UInt64.self), try reader.read(UInt64.self), try reader.read(UInt64.self)]
        let keyCheck = try reader.readBytes(16)
        let descriptionBytes = try reader.read(UInt32.self)
        let descriptionDigest = try reader.readBytes(32)
        let nameCount = Int(try reader.read(UInt8.self))
        let nameField = try reader.readBytes(RunName.maximumByteCount)
        let name = try? RunName(String(decoding: nameField.prefix(nameCount), as: UTF8.self))
        let (isBest, hasInitSeed) = (try reader.read(UInt8.self), try reader.read(UInt8.self))
        let initSeed = try reader.read(UInt64.self)
        let padding = nameField.dropFirst(nameCount) + (try reader.readBytes(macOffset - end))
        let layout = MirrorLayout(
            arenaBytes: arenaBytes, chunkBytes: chunkBytes, descriptionBytes: descriptionBytes, extentBytes: extentBytes
        )
        guard let cipher, let layout, let name, nameCount <= nameField.count,
            size == UInt32(MirrorLayout.superblockBytes), zero == 0,
            isBest <= 1, hasInitSeed <= 1, hasInitSeed == 1 || initSeed == 0,
            layout.byteCount == extentBytes, chunkCount == UInt32(layout.chunkCount), padding.allSatisfy({ $0 == 0 }),
            places
                == [
                    layout.range(of: .a).lowerBound, layout.slotBytes, layout.range(of: .b).lowerBound,
                ].map(UInt64.init)
        else {
            throw MirrorError.tampered(
                "superblock", "its fields contradict each other, or the extent of \(extentBytes) bytes")
        }
        let identity = RunIdentity(
            name: name, runID: runID, configDigest: configDigest, layoutDigest: layoutDigest, datasetID: datasetID,
            seed: seed,
            cipher: cipher, sampling: sampling, executor: executor, threads: threads,
            initSeed: hasInitSeed == 1 ? initSeed : nil, isBest: isBest == 1)
        return Superblock(
            identity: identity, layout: layout, keyCheck: keyCheck, descriptionDigest: descriptionDigest)
    }

    /// Makes the claim a fact, and returns the keys of the run.
    /// - Throws: `.wrongKey`, `.tampered`.
    func authenticate(_ bytes: [UInt8], with keys: KeyHierarchy) throws(MirrorError) -> RunKeys {
        guard constantTimeEqual(keys.keyCheck(for: identity.runID), keyCheck) else { throw .wrongKey }
        let runKeys = keys.runKeys(runID: identity.runID)
        let mac = runKeys.superblockMAC(over: Array(bytes[..<Self.macOffset]))
        guard constantTimeEqual(mac, Array(bytes[Self.macOffset..<Self.digestOffset])) else {
            throw .tampered("superblock", "its MAC does not match its bytes")
        }
        return runKeys
    }

    /// Reads the text that describes the network; meaningful once the superblock is a fact.
    /// - Throws: `.tampered`.
    func readDescription(from extent: Extent) throws(MirrorError) -> [UInt8] {
        let description = extent.read(layout.description)
        guard sha256(description) == descriptionDigest else {
            throw .tampered("network description", "its digest does not match its bytes")
        }
        return description
    }
}
