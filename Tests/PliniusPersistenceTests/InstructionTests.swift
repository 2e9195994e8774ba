import CPliniusPM
import Glibc
import PliniusPersistence
import Testing

@Suite struct InstructionTests {
    /// The instructions that this processor has, from what the kernel says about it.
    private static let available: [cplinius_line_instruction] = {
        #if arch(x86_64)
            let flags = Set(
                (try? kernelText("/proc/cpuinfo"))?
                    .split(separator: "\n").first { $0.hasPrefix("flags") }?.split(separator: " ").map(String.init)
                    ?? []
            )
            return [.clflush]
                + (flags.contains("clflushopt") ? [.clflushopt] : [])
                + (flags.contains("clwb") ? [.clwb] : [])
        #else
            return [cplinius_best_line_instruction()]
        #endif
    }()

    @Test func `The best instruction is the last that the kernel lists`() {
        #expect(cplinius_best_line_instruction() == Self.available.last)
        #expect(cplinius_line_bytes() >= 16 && cplinius_line_bytes().nonzeroBitCount == 1)
    }

    @Test func `A processor has the instructions that the kernel lists, and no other`() {
        for instruction: cplinius_line_instruction in [.clflush, .clflushopt, .clwb, .dc_cvac, .dc_cvap] {
            #expect(cplinius_has_line_instruction(instruction) == Self.available.contains(instruction))
        }
    }

    @Test func `A pool commits with every write-back that the processor has, and is refused with any other`() throws {
        for writeBack in WriteBack.allCases {
            let file = try ScratchFile()
            guard writeBack.isAvailable else {
                let error = #expect(throws: PersistenceError.self) {
                    _ = try Pool.create(descriptor: file.descriptor, byteCount: 2 << 20, writeBack: writeBack)
                }
                #expect(error?.code == .noInstruction)
                #expect(file.status.st_size == 0)
                continue
            }
            let pool = try Pool.create(descriptor: file.descriptor, byteCount: 2 << 20, writeBack: writeBack)
            try pool.transaction { tx throws(PersistenceError) in try tx.setRoot("word", try tx.allocate(7)) }
            let again = try Pool.open(descriptor: file.descriptor, access: .readOnly, writeBack: writeBack)
            #expect(
                try again.read { view throws(PersistenceError) in try view.root("word", as: Int.self).map { view[$0] } }
                    == 7)
        }
    }

    @Test func `A copy past the caches copies every byte and no other, whatever the alignment`() {
        let source = (0..<400).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }
        for instruction in Self.available {
            for start in 0..<70 {
                for count in [0, 1, 7, 15, 16, 17, 31, 63, 64, 65, 127, 200] {
                    var target = [UInt8](repeating: 0xEE, count: 400)
                    target.withUnsafeMutableBytes { target in
                        source.withUnsafeBytes { source in
                            cplinius_copy_non_temporal(
                                target.baseAddress! + start,
                                source.baseAddress! + start / 2,
                                count,
                                instruction
                            )
                        }
                    }
                    cplinius_fence()
                    var expected = [UInt8](repeating: 0xEE, count: 400)
                    expected[start..<start + count] = source[start / 2..<start / 2 + count]
                    #expect(target == expected, "start \(start), count \(count), \(instruction)")
                }
            }
        }
    }

    @Test func `Writing back changes nothing`() {
        for instruction in Self.available {
            var bytes = (0..<300).map { UInt8(truncatingIfNeeded: $0) }
            bytes.withUnsafeMutableBytes { cplinius_write_back($0.baseAddress! + 3, 290, instruction) }
            cplinius_fence()
            #expect(bytes == (0..<300).map { UInt8(truncatingIfNeeded: $0) })
        }
    }
}
