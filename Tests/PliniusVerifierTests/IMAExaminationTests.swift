import Crypto
import CryptoExtras
import PliniusVerifier
import Testing

@Suite("Judging logs of IMA")
struct IMAExaminationTests {
    private static let files = (0..<12).map { (path: "/usr/bin/\($0)", content: "program \($0)") }
    private let now = Instant(seconds: 1000)

    private func setting<Value>(_ value: Value) -> Setting<Value> { Setting(value, PolicyLine("ima.setting", line: 5)) }

    /// Lets pass what a log holds.
    private func requirements(_ writer: IMALogWriter) throws -> IMARequirements {
        var requirements = IMARequirements()
        let list = IMAAllowList(learningFrom: try IMALog(binary: writer.binary))
        requirements.generations = setting([.init(name: "good", list: list)])
        return requirements
    }

    private func judge(
        _ writer: IMALogWriter, _ requirements: IMARequirements, quoted: [HashAlgorithm: [UInt8]]? = nil,
        start: Int = 0, state: IMAState? = nil,
        bootRegisters: [HashAlgorithm: [Int: [UInt8]]] = IMALogWriter.bootRegisters, at now: Instant? = nil
    ) -> (Examination, IMAState?) {
        var left = writer
        left.entries.removeFirst(start)
        var examination = Examination()
        let next = examination.group("ima") { (inner: inout Examination) throws(EvidenceError) in
            try examineIMA(
                try IMALog(binary: left.binary, start: start), quoted: quoted ?? [.sha256: writer.register()],
                bootRegisters: bootRegisters, requirements, state: state, at: now ?? self.now, &inner)
        }
        return (examination, next)
    }

    private func failures(
        _ writer: IMALogWriter, _ requirements: IMARequirements, quoted: [HashAlgorithm: [UInt8]]? = nil
    ) -> [String] { judge(writer, requirements, quoted: quoted).0.failures }

    @Test("A log that leads to its register, with listed files alone, passes")
    func passes() throws {
        let writer = IMALogWriter(files: Self.files)
        let (examination, state) = judge(writer, try requirements(writer))
        #expect(examination.failures.isEmpty && state?.provedCount == 13 && state?.pending.isEmpty == true)
    }

    @Test("Nothing is granted by silence")
    func silence() {
        let writer = IMALogWriter(files: [Self.files[0]])
        #expect(failures(writer, IMARequirements()) == ["ima.entry.file"])
        #expect(failures(IMALogWriter(), IMARequirements(), quoted: [:]) == ["ima.replay.register"])
        var empty = IMALogWriter()
        empty.entries = []
        #expect(failures(empty, IMARequirements()) == ["ima.bootAggregate"])
    }

    @Test("Lines that are edited, deleted, swapped or added lead elsewhere")
    func tampering() throws {
        let writer = IMALogWriter(files: Self.files)
        let requirements = try requirements(writer)
        let quoted = [HashAlgorithm.sha256: writer.register()]
        for index in writer.entries.indices {
            var edited = writer
            edited.entries[index].digest[31] ^= 1
            var deleted = writer
            deleted.entries.remove(at: index)
            var swapped = writer
            swapped.entries.swapAt(index, (index + 1) % writer.entries.count)
            var added = writer
            added.entries.insert(writer.entries[3], at: index)
            for changed in [edited, deleted, swapped, added] {
                #expect(failures(changed, requirements, quoted: quoted) == ["ima.replay.register"], "line \(index + 1)")
            }
        }
    }

    @Test("A template hash that is not the fields' is refused, even where no register holds it")
    func templateHash() throws {
        let writer = IMALogWriter(files: Self.files)
        var bytes = writer.binary
        bytes[writer.entries[0].binary.count + 4] ^= 1
        var examination = Examination()
        _ = try examineIMA(
            try IMALog(binary: bytes), quoted: [.sha256: writer.register()], bootRegisters: IMALogWriter.bootRegisters,
            requirements(writer), state: nil, at: now, &examination)
        #expect(examination.failures == ["ima.entry.templateHash"])
    }

    @Test("An unlisted file is named with its path, its digest and its line")
    func unlisted() throws {
        let writer = IMALogWriter(files: Self.files)
        var changed = writer
        changed.entries.append(.init(path: "/tmp/evil", digest: [UInt8](repeating: 0xEE, count: 32)))
        changed.entries.append(.init(path: "/usr/bin/1", digest: [UInt8](repeating: 0xAB, count: 32)))
        let (examination, _) = judge(changed, try requirements(writer))
        #expect(examination.failures == ["ima.entry.file", "ima.entry.file"])
        let parts = examination.findings[0].parts.filter { $0.outcome == .failed }
        #expect(parts[0].found == "line 14: /tmp/evil sha256:" + String(repeating: "ee", count: 32))
        #expect(parts[1].expected.contains("which is sha256:") && parts[1].policyLine?.line == 5)
    }

    @Test("Many unlisted files are counted after the first")
    func manyUnlisted() throws {
        let writer = IMALogWriter(files: (0..<100).map { ("/tmp/\($0)", "\($0)") })
        let (examination, _) = judge(writer, IMARequirements())
        #expect(examination.failures.count == 65)
        #expect(examination.findings[0].parts.last { $0.outcome == .failed }?.found == "36 more")
    }

    // MARK: Quote and log at different times

    @Test("Entries behind the quote are judged at once, and proved by the next")
    func lag() throws {
        let writer = IMALogWriter(files: Self.files)
        let requirements = try requirements(writer)
        let (first, state) = judge(writer, requirements, quoted: [.sha256: writer.register(after: 10)])
        #expect(first.hasPassed && state?.provedCount == 10 && state?.pending.count == 3)
        // The same quote again: what was behind it must be proved now.
        let (again, _) = judge(writer, requirements, quoted: [.sha256: writer.register(after: 10)], state: state)
        #expect(again.failures == ["ima.replay.catchUp"])
        let (partly, _) = judge(writer, requirements, quoted: [.sha256: writer.register(after: 12)], state: state)
        #expect(partly.failures == ["ima.replay.catchUp"])
        for start in [0, 4, 10] {
            let (second, next) = judge(writer, requirements, start: start, state: state)
            #expect(second.hasPassed && next?.provedCount == 13 && next?.pending.isEmpty == true)
        }
        // The log that proves something else in their place.
        var other = writer
        other.entries[11] = other.entries[5]
        #expect(judge(other, requirements, start: 10, state: state).0.failures == ["ima.replay.catchUp"])

        var unlisted = writer
        unlisted.entries.append(.init(path: "/tmp/evil"))
        let early = [HashAlgorithm.sha256: writer.register()]
        #expect(failures(unlisted, requirements, quoted: early) == ["ima.entry.file"])
    }

    @Test("No more entries wait for proof than the policy allows")
    func maximumPending() throws {
        let writer = IMALogWriter(files: Self.files)
        var requirements = try requirements(writer)
        requirements.maximumPending = setting(2)
        #expect(failures(writer, requirements, quoted: [.sha256: writer.register(after: 10)]) == ["ima.replay.pending"])
        #expect(failures(writer, requirements, quoted: [.sha256: writer.register(after: 11)]).isEmpty)
    }

    @Test("A round goes on where the last one ended, and judges what is new")
    func deltas() throws {
        let writer = IMALogWriter(files: Self.files)
        let requirements = try requirements(writer)
        var early = writer
        early.entries = Array(writer.entries.prefix(8))
        let (_, state) = judge(early, requirements)
        #expect(state?.nextStart == 8)
        // Nothing happened.
        #expect(judge(early, requirements, start: 8, state: state).0.hasPassed)
        #expect(judge(writer, requirements, start: 8, state: state).1?.provedCount == 13)
        // What is new is judged, what is old is not again.
        let later = judge(writer, IMARequirements(), start: 8, state: state).0
        #expect(later.failures.count == 5)
        // A gap, a log that is too short, and one that begins in the middle without a state.
        #expect(judge(writer, requirements, start: 9, state: state).0.failures == ["ima.log.start"])
        var short = writer
        short.entries = Array(writer.entries.prefix(7))
        #expect(judge(short, requirements, state: state).0.failures == ["ima.log.start"])
        #expect(judge(writer, requirements, start: 1).0.failures == ["ima.log.start"])
        // A machine that was started again has another register, which no state leads to.
        #expect(
            judge(early, requirements, quoted: [.sha256: early.register(after: 3)], state: state).0.failures == [
                "ima.replay.register"
            ])
    }

    // MARK: Banks and rules

    @Test("Every quoted bank must agree")
    func banks() throws {
        let writer = IMALogWriter(files: Self.files)
        let requirements = try requirements(writer)
        var quoted = [
            HashAlgorithm.sha1: writer.register(.sha1), .sha256: writer.register(.sha256),
            .sha384: writer.register(.sha384),
        ]
        #expect(failures(writer, requirements, quoted: quoted).isEmpty)
        quoted[.sha1] = writer.register(.sha1, after: 5)
        #expect(failures(writer, requirements, quoted: quoted) == ["ima.replay.register"])
    }

    @Test("A bank that the kernel extends by padded SHA-1 is recognised, and binds only where the policy says so")
    func paddedRule() throws {
        let writer = IMALogWriter(files: Self.files)
        var requirements = try requirements(writer)
        let quoted = [HashAlgorithm.sha1: writer.register(.sha1), .sha256: writer.register(.sha256, padded: true)]
        #expect(failures(writer, requirements, quoted: quoted) == ["ima.replay.strength"])
        requirements.permitsSHA1 = setting(false)
        #expect(failures(writer, requirements, quoted: quoted) == ["ima.replay.strength"])
        requirements.permitsSHA1 = setting(true)
        let (examination, state) = judge(writer, requirements, quoted: quoted)
        #expect(examination.hasPassed)
        #expect(state?.running.first { $0.bank == HashAlgorithm.sha256.rawValue }?.rule == .paddedSHA1)
        // Both rules in one log are none.
        var mixed = writer.register(.sha256, after: 6)
        for entry in writer.entries.dropFirst(6) {
            mixed = digest(.sha256, mixed + entry.extended(.sha256, padded: true))
        }
        #expect(failures(writer, requirements, quoted: [.sha256: mixed]) == ["ima.replay.register"])
    }

    @Test("SHA-1 alone binds only where the policy says so")
    func sha1() throws {
        let writer = IMALogWriter(files: Self.files)
        var requirements = try requirements(writer)
        let quoted = [HashAlgorithm.sha1: writer.register(.sha1)]
        #expect(failures(writer, requirements, quoted: quoted) == ["ima.replay.strength"])
        requirements.permitsSHA1 = setting(false)
        #expect(failures(writer, requirements, quoted: quoted) == ["ima.replay.strength"])
        requirements.permitsSHA1 = setting(true)
        #expect(failures(writer, requirements, quoted: quoted).isEmpty)
    }

    @Test("A list with SHA-1 digests counts only where the policy says so")
    func weakDigests() throws {
        var writer = IMALogWriter()
        writer.entries.append(.init(algorithm: "sha1", digest: digest(.sha1, [1])))
        writer.entries.append(.init(path: "/bin/md5", algorithm: "md5", digest: [UInt8](repeating: 1, count: 16)))
        var requirements = try requirements(writer)
        #expect(failures(writer, requirements) == ["ima.entry.digest", "ima.entry.digest"])
        requirements.permitsSHA1 = setting(false)
        #expect(failures(writer, requirements) == ["ima.entry.digest", "ima.entry.digest"])
        requirements.permitsSHA1 = setting(true)
        #expect(failures(writer, requirements).isEmpty)
    }

    // MARK: Entries

    @Test("A violation leaves the log readable, and is refused unless its path is tolerated")
    func violation() throws {
        var writer = IMALogWriter(files: Self.files)
        var requirements = try requirements(writer)
        writer.entries.insert(
            .init(path: "/var/log/journal", digest: [UInt8](repeating: 0, count: 32), isViolation: true), at: 4)
        #expect(failures(writer, requirements) == ["ima.entry.violation"])
        requirements.excluded = setting([Pattern("/var/log/*")])
        #expect(failures(writer, requirements) == ["ima.entry.violation"])
        requirements.toleratedViolations = setting([Pattern("/var/log/*")])
        let (examination, _) = judge(writer, requirements)
        #expect(examination.hasPassed)
        #expect(
            examination.findings[0].parts.contains { $0.outcome == .tolerated && $0.check == "ima.entry.violation" })
        requirements.toleratedViolations = setting([Pattern("/var/lib/*")])
        #expect(failures(writer, requirements) == ["ima.entry.violation"])
    }

    @Test("The first entry is the digest of the quote's boot registers")
    func bootAggregate() throws {
        let writer = IMALogWriter(files: Self.files)
        let requirements = try requirements(writer)
        var older = writer
        older.entries[0].digest = digest(.sha256, [UInt8](repeating: 0, count: 256))
        #expect(failures(older, requirements).isEmpty)
        var other = IMALogWriter.bootRegisters
        other[.sha256]?[7] = [UInt8](repeating: 1, count: 32)
        #expect(judge(writer, requirements, bootRegisters: other).0.failures == ["ima.bootAggregate"])
        #expect(judge(writer, requirements, bootRegisters: [:]).0.failures == ["ima.bootAggregate"])
        var without = writer
        without.entries.removeFirst()
        #expect(failures(without, requirements) == ["ima.bootAggregate"])
        // Seven registers are not the eight that it is of, whatever the digest of their values.
        var fewer = writer
        fewer.entries[0].digest = digest(.sha256, [UInt8](repeating: 0, count: 7 * 32))
        var quoted = IMALogWriter.bootRegisters
        for index in 7...9 { quoted[.sha256]?[index] = nil }
        #expect(
            judge(fewer, try self.requirements(fewer), bootRegisters: quoted).0.failures == ["ima.bootAggregate"])
        var tolerant = requirements
        tolerant.permitsUnboundBoot = setting(false)
        #expect(judge(writer, tolerant, bootRegisters: [:]).0.failures == ["ima.bootAggregate"])
        tolerant.permitsUnboundBoot = setting(true)
        #expect(judge(writer, tolerant, bootRegisters: [:]).0.hasPassed)
        // A file by that name gains nothing from it.
        var impostor = writer
        impostor.entries.append(.init(path: "boot_aggregate"))
        #expect(failures(impostor, tolerant) == ["ima.bootAggregate"])
    }

    @Test("Buffers are judged by their own list")
    func buffers() throws {
        var writer = IMALogWriter()
        writer.entries.append(
            .init(template: "ima-buf", path: "kexec-cmdline", digest: digest(.sha256, [1, 2]), buffer: [1, 2]))
        let good = try requirements(writer)
        #expect(failures(writer, good).isEmpty)
        var asFile = good
        var list = IMAAllowList()
        list.files["kexec-cmdline"] = [FileDigest(algorithm: "sha256", bytes: digest(.sha256, [1, 2]))]
        asFile.generations = setting([.init(name: "files", list: list)])
        #expect(failures(writer, asFile) == ["ima.entry.buffer"])
        var lying = writer
        lying.entries[1].buffer = [1, 3]
        #expect(failures(lying, good) == ["ima.entry.buffer"])
        #expect(failures(writer, IMARequirements()) == ["ima.entry.buffer"])
    }

    @Test("Excluded files are not judged, and no others")
    func excluded() throws {
        let writer = IMALogWriter(files: [("/var/tmp/data", "x"), ("/var/bin/program", "y")])
        var requirements = IMARequirements()
        requirements.excluded = setting([Pattern("/var/tmp/*")])
        let (examination, _) = judge(writer, requirements)
        #expect(examination.failures == ["ima.entry.file"])
        #expect(examination.findings[0].firstFailure?.found.contains("/var/bin/program") == true)
    }

    @Test("A template that nobody knows is refused")
    func unknownTemplate() throws {
        var writer = IMALogWriter()
        writer.entries.append(.init(template: "ima-new"))
        #expect(failures(writer, IMARequirements()) == ["ima.entry.file"])
    }

    @Test("Old and new lists hold until the cut-over")
    func generations() throws {
        let old = IMALogWriter(files: [("/bin/sh", "old")])
        let new = IMALogWriter(files: [("/bin/sh", "new")])
        var requirements = IMARequirements()
        requirements.generations = setting([
            .init(
                name: "old", list: IMAAllowList(learningFrom: try IMALog(binary: old.binary)),
                notAfter: Instant(seconds: 2000)),
            .init(
                name: "new", list: IMAAllowList(learningFrom: try IMALog(binary: new.binary)),
                notBefore: Instant(seconds: 1000)),
        ])
        let expected: [(Int64, Bool, Bool)] = [
            (999, true, false), (1000, true, true), (1999, true, true), (2000, false, true),
        ]
        for (seconds, passesOld, passesNew) in expected {
            let now = Instant(seconds: seconds)
            #expect(judge(old, requirements, at: now).0.hasPassed == passesOld)
            #expect(judge(new, requirements, at: now).0.hasPassed == passesNew)
        }
    }

    // MARK: Signatures

    /// What a file's owner writes beside it.
    private func signed(
        _ path: String, _ content: String, _ algorithm: HashAlgorithm = .sha256, keyIdentifier: [UInt8],
        by sign: ([UInt8]) throws -> [UInt8]
    ) rethrows -> IMALogWriter.Entry {
        let numbers: [HashAlgorithm: UInt8] = [.sha1: 2, .sha256: 4, .sha384: 5, .sha512: 6]
        let signature = try sign(Array(content.utf8))
        let header =
            [3, 2, numbers[algorithm] ?? 0] + keyIdentifier + [
                UInt8(signature.count >> 8), UInt8(signature.count & 255),
            ]
        return .init(
            template: "ima-sig", path: path, algorithm: algorithm.description,
            digest: digest(algorithm, Array(content.utf8)),
            signature: header + signature)
    }

    @Test("A file that somebody enrolled signed is allowed, by RSA and both curves")
    func signatures() throws {
        let rsa = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        let p256 = P256.Signing.PrivateKey()
        let p384 = P384.Signing.PrivateKey()
        let signers = [
            try IMASigner(name: "rsa", publicKey: Array(rsa.publicKey.derRepresentation)),
            try IMASigner(name: "p256", publicKey: Array(p256.publicKey.derRepresentation)),
            try IMASigner(name: "p384", publicKey: Array(p384.publicKey.derRepresentation)),
        ]
        #expect(signers[0].keyIdentifier == digest(.sha1, Array(rsa.publicKey.pkcs1DERRepresentation)).suffix(4))
        var writer = IMALogWriter()
        writer.entries += [
            try signed("/rsa", "one", keyIdentifier: signers[0].keyIdentifier) {
                Array(try rsa.signature(for: SHA256.hash(data: $0), padding: .insecurePKCS1v1_5).rawRepresentation)
            },
            try signed("/rsa512", "two", .sha512, keyIdentifier: signers[0].keyIdentifier) {
                Array(try rsa.signature(for: SHA512.hash(data: $0), padding: .insecurePKCS1v1_5).rawRepresentation)
            },
            try signed("/p256", "three", keyIdentifier: signers[1].keyIdentifier) {
                Array(try p256.signature(for: SHA256.hash(data: $0)).derRepresentation)
            },
            try signed("/p384", "four", .sha384, keyIdentifier: signers[2].keyIdentifier) {
                Array(try p384.signature(for: SHA384.hash(data: $0)).derRepresentation)
            },
        ]
        var requirements = IMARequirements()
        requirements.signers = setting(signers)
        #expect(failures(writer, requirements).isEmpty)
        for signer in signers {
            requirements.signers = setting([signer])
            #expect(!failures(writer, requirements).isEmpty)
        }
        requirements.signers = setting(signers)
        // Header, digest and signature, each byte of the header's and some of the others.
        for index in 1..<writer.entries.count {
            for place in [0, 1, 2, 3, 4, 5, 6, 7, 8, 20, writer.entries[index].signature.count - 1] {
                var changed = writer
                changed.entries[index].signature[place] ^= 1
                #expect(failures(changed, requirements) == ["ima.entry.file"], "entry \(index), byte \(place)")
            }
            for count in [0, 5, 8, 9, 40] {
                var short = writer
                short.entries[index].signature = Array(writer.entries[index].signature.prefix(count))
                #expect(failures(short, requirements) == ["ima.entry.file"])
            }
            var other = writer
            other.entries[index].digest[0] ^= 1
            #expect(failures(other, requirements) == ["ima.entry.file"])
        }
    }

    @Test("A number whose cube ends as a signature does, and has no padding, is none")
    func forgedPadding() throws {
        // With the exponent 3, anybody finds it: the cube root modulo a power of two.
        let modulus: [UInt8] = [0xC0] + (0..<254).map { _ in UInt8.random(in: 0...255) } + [1]
        let key = try _RSA.Signing.PublicKey(n: modulus, e: [3] as [UInt8])
        let signer = try IMASigner(name: "cube", publicKey: Array(key.derRepresentation))
        let content = try #require((0..<99).map { "\($0)" }.first { digest(.sha256, Array($0.utf8))[31] & 1 == 1 })
        let prefix: [UInt8] = [0x30, 0x31, 0x30, 0x0D, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20]
        let target: [UInt8] = [0] + prefix + digest(.sha256, Array(content.utf8))
        let root = cubeRoot(of: target)
        let signature = [UInt8](repeating: 0, count: 256 - root.count) + root
        #expect(ModularPower.power(signature, 3, modulus: modulus)?.suffix(target.count) == target[...])
        var writer = IMALogWriter()
        writer.entries.append(signed("/x", content, keyIdentifier: signer.keyIdentifier) { _ in signature })
        var requirements = IMARequirements()
        requirements.signers = setting([signer])
        #expect(failures(writer, requirements) == ["ima.entry.file"])
    }

    /// The number of as many bytes whose cube ends in these, bit by bit from the lowest; the last byte is odd.
    private func cubeRoot(of target: [UInt8]) -> [UInt8] {
        func product(_ first: [UInt8], _ second: [UInt8]) -> [UInt8] {
            var result = [UInt8](repeating: 0, count: first.count)
            for (place, factor) in first.enumerated() where factor != 0 {
                var carry = 0
                for index in place..<result.count {
                    carry += Int(result[index]) + Int(factor) * Int(second[index - place])
                    result[index] = UInt8(carry & 255)
                    carry >>= 8
                }
            }
            return result
        }
        let target = Array(target.reversed())
        var root = [UInt8](repeating: 0, count: target.count)
        for bit in 0..<8 * target.count {
            let cube = product(product(root, root), root)
            if (cube[bit / 8] ^ target[bit / 8]) >> (bit % 8) & 1 == 1 { root[bit / 8] |= 1 << (bit % 8) }
        }
        return root.reversed()
    }

    @Test("A digest that is cut short is not signed for, though the signature holds")
    func shortDigest() throws {
        let key = P256.Signing.PrivateKey()
        let signer = try IMASigner(name: "key", publicKey: Array(key.publicKey.derRepresentation))
        var writer = IMALogWriter()
        var requirements = IMARequirements()
        requirements.signers = setting([signer])
        for count in [32, 31, 1] {
            let cut = CutDigest(bytes: Array(digest(.sha256, [1]).prefix(count)))
            var entry = try signed("/x", "", keyIdentifier: signer.keyIdentifier) { _ in
                Array(try key.signature(for: cut).derRepresentation)
            }
            entry.digest = cut.bytes
            writer.entries = [IMALogWriter().entries[0], entry]
            #expect(failures(writer, requirements) == (count == 32 ? [] : ["ima.entry.file"]))
        }
    }

    /// What is signed, whatever it is the digest of.
    private struct CutDigest: Digest {
        static let byteCount = 0
        let bytes: [UInt8]

        var description: String { "\(bytes)" }

        func makeIterator() -> Array<UInt8>.Iterator { bytes.makeIterator() }

        func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
            try bytes.withUnsafeBytes(body)
        }
    }

    @Test("A signature counts while its key does, for the files that it does")
    func window() throws {
        let key = P256.Signing.PrivateKey()
        var signer = try IMASigner(name: "key", publicKey: Array(key.publicKey.derRepresentation))
        signer.notBefore = Instant(seconds: 1000)
        signer.notAfter = Instant(seconds: 2000)
        signer.paths = [Pattern("/usr/*")]
        var writer = IMALogWriter()
        writer.entries.append(
            try signed("/usr/bin/x", "x", keyIdentifier: signer.keyIdentifier) {
                Array(try key.signature(for: SHA256.hash(data: $0)).derRepresentation)
            })
        var requirements = IMARequirements()
        requirements.signers = setting([signer])
        for (seconds, passes) in [(999, false), (1000, true), (1999, true), (2000, false)] as [(Int64, Bool)] {
            #expect(judge(writer, requirements, at: Instant(seconds: seconds)).0.hasPassed == passes)
        }
        writer.entries[1].path = "/opt/x"
        #expect(failures(writer, requirements) == ["ima.entry.file"])
    }

    @Test("Signatures with SHA-1 count for nothing")
    func sha1Signature() throws {
        let key = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        let signer = try IMASigner(name: "key", publicKey: Array(key.publicKey.derRepresentation))
        var writer = IMALogWriter()
        writer.entries.append(
            try signed("/x", "x", .sha1, keyIdentifier: signer.keyIdentifier) {
                Array(
                    try key.signature(for: Insecure.SHA1.hash(data: $0), padding: .insecurePKCS1v1_5).rawRepresentation)
            })
        var requirements = IMARequirements()
        requirements.signers = setting([signer])
        requirements.permitsSHA1 = setting(true)
        #expect(failures(writer, requirements) == ["ima.entry.file"])
    }

    @Test("Keys that are too short, and bytes that are none, are refused")
    func badKeys() throws {
        let short = try _RSA.Signing.PrivateKey(unsafeKeySize: .init(bitCount: 1024))
        for der in [Array(short.publicKey.derRepresentation), [], [0x30, 0]] {
            let error = #expect(throws: EvidenceError.self) { try IMASigner(name: "key", publicKey: der) }
            #expect(error?.check == "ima.signer.key")
        }
    }
}
