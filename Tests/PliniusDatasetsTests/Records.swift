import PliniusDatasets
import Testing

/// All records of a source.
func records(_ source: some RecordSource) throws -> [(pixels: [UInt8], truth: [UInt8])] {
    var (pixels, truth): ([UInt8], [UInt8]) = ([], [])
    var records: [(pixels: [UInt8], truth: [UInt8])] = []
    while try source.next(into: &pixels, truth: &truth) {
        #expect(pixels.count == source.extents.count && truth.count == source.truth.byteCount)
        records.append((pixels, truth))
    }
    #expect(records.count == source.count)
    return records
}

/// FNV-1a, 64 bit, over the pixels and the truths of a source; hexadecimal.
func hash(_ source: some RecordSource) throws -> String {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for (pixels, truth) in try records(source) {
        for byte in pixels + truth { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }
    return String(hash, radix: 16)
}
