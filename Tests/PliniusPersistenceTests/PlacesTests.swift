import Glibc
import PliniusPersistence
import Testing

/// Where `PLINIUS_PLACES` names folders on media that are known for certain, as `make vm-test` makes them: `FOLDER=TIER`, with blanks
/// between.
private let places: [(folder: String, tier: Tier)] = {
    guard let text = getenv("PLINIUS_PLACES") else { return [] }
    return String(cString: text).split(separator: " ").map { place in
        let parts = place.split(separator: "=")
        guard parts.count == 2, let tier = Tier.allCases.first(where: { "\($0)".hasPrefix(parts[1] + " ") }) else {
            preconditionFailure("PLINIUS_PLACES wants FOLDER=TIER, not '\(place)'")
        }
        return (String(parts[0]), tier)
    }
}()

@Suite(.enabled(if: !places.isEmpty, "PLINIUS_PLACES names no media"))
struct PlacesTests {
    /// The kernel's own flags of the mapping of a file.
    private func mappingFlags(of path: String) throws -> [Substring] {
        var isInside = false
        for line in try kernelText("/proc/self/smaps").split(separator: "\n") {
            if line.hasSuffix(path) { isInside = true }
            if isInside, line.hasPrefix("VmFlags:") { return line.split(separator: " ").dropFirst() + [] }
        }
        return []
    }

    @Test(arguments: places.indices)
    func `A known medium gets its tier, and MAP_SYNC exactly if it is T0`(number: Int) throws {
        let place = places[number]
        let file = try ScratchFile(in: place.folder)
        let region = try Region.create(descriptor: file.descriptor, byteCount: 1 << 20)
        #expect(region.tier == place.tier, "\(place.folder)")
        let flags = try mappingFlags(of: file.path)
        #expect(flags.contains("sh"))
        // "sf": the kernel answers write faults only after the file's block map is durable. It sets it for MAP_SYNC alone.
        #expect(flags.contains("sf") == (place.tier == .t0), "\(flags)")
        print("\(place.folder): \(region.tier), mapping flags \(flags.joined(separator: " "))")
    }

    @Test(arguments: places.indices)
    func `What is stored and persisted there is in the file`(number: Int) throws {
        let file = try ScratchFile(in: places[number].folder)
        let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ $0 >> 8) }
        let region = try Region.create(descriptor: file.descriptor, byteCount: 1 << 20)
        unsafe bytes.withUnsafeBytes { unsafe region.copy($0, to: 4097) }
        region.store(0x0123_4567_89ab_cdef, at: 64)
        try region.persist()
        var found = [UInt8](repeating: 0, count: bytes.count)
        #expect(pread(file.descriptor, &found, found.count, 4097) == found.count)
        #expect(found == bytes)
        var word: UInt64 = 0
        #expect(pread(file.descriptor, &word, 8, 64) == 8)
        #expect(word == 0x0123_4567_89ab_cdef)
        let again = file.reopen(O_RDWR)
        defer { close(again) }
        let second = try Region.open(descriptor: again)
        #expect(second.tier == places[number].tier)
        #expect(second.read(4097..<4097 + bytes.count) == bytes)
    }

    @Test(.enabled(if: getenv("PLINIUS_CACHES") != nil, "PLINIUS_CACHES does not tell"))
    func `The caches count as persistent exactly where the machine was made so`() throws {
        let kind = try #require(getenv("PLINIUS_CACHES").map { String(cString: $0) })
        #expect(["persistent", "volatile"].contains(kind))
        #expect(cachesArePersistent() == (kind == "persistent"))
    }
}
