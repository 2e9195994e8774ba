import Glibc
import PliniusPersistence
import Testing
import _PliniusTestSupport

@Suite struct TierTests {
    /// The type of a file system as `/proc` tells it: an oracle apart from statfs.
    private func fileSystem(of folder: String) throws -> String {
        var longest = ("", "")
        for line in try kernelText("/proc/self/mounts").split(separator: "\n") {
            let fields = line.split(separator: " ").map(String.init)
            let isAbove = fields[1] == "/" || folder == fields[1] || folder.hasPrefix(fields[1] + "/")
            if isAbove, fields[1].count >= longest.0.count { longest = (fields[1], fields[2]) }
        }
        return longest.1
    }

    @Test(arguments: ["/dev/shm", "/var/tmp"])
    func `The tier follows the file system`(place: String) throws {
        let file = try ScratchFile(in: place)
        let pool = try Region.create(descriptor: file.descriptor, byteCount: 4096)
        switch try fileSystem(of: place) {
        case "tmpfs", "ramfs": #expect(pool.tier == .t1)
        case let name where try !kernelText("/proc/self/mounts").contains("dax"):
            #expect(pool.tier == .t3, "\(name)")
        default: break
        }
    }

    @Test func `Only memory that forgets says that a restart loses the pool`() {
        for tier in Tier.allCases {
            #expect(tier.survives.contains("killed process"))
            #expect(tier.survives.contains("loss of power") == (tier != .t1))
        }
        #expect(Tier.allCases.filter(\.needsSynchronisation) == [.t2, .t3])
    }

    @Test func `Caches count as persistent only where every region says so`() throws {
        let folder = try TemporaryDirectory()
        #expect(!cachesArePersistent(devices: folder("missing")))
        #expect(!cachesArePersistent(devices: folder.path))
        for (region, domain) in [("region0", "cpu_cache\n"), ("ndbus0", "memory_controller\n")] {
            #expect(mkdir(folder(region), 0o700) == 0)
            try folder.write(domain, to: "\(region)/persistence_domain")
        }
        #expect(cachesArePersistent(devices: folder.path))
        #expect(mkdir(folder("region1"), 0o700) == 0)
        #expect(!cachesArePersistent(devices: folder.path))
        try folder.write("memory_controller\n", to: "region1/persistence_domain")
        #expect(!cachesArePersistent(devices: folder.path))
    }

    @Test func `The boot id is the kernel's`() throws {
        let text = try kernelText("/proc/sys/kernel/random/boot_id")
        let hex = BootID.current.bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        #expect(hex == text.filter(\.isHexDigit))
    }
}
