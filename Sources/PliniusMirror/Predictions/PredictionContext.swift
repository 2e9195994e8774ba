public import PliniusSealing
import _PliniusSupport

/// What every result's tag binds beside the result: the file and the place.
///
/// `"plinius prediction" ‖ id ‖ index ‖ outputs`, little-endian, under a key of the file's own, with the index as the nonce: no result
/// verifies in another place, in another file, or in pieces of another length.
public struct PredictionContext: Sendable {
    /// What the tag binds.
    public let bytes: [UInt8]
    /// The number that the record is sealed with.
    public let nonce: Nonce

    /// Stands at a record.
    public init(_ header: PredictionsHeader, index: Int) {
        var writer = ByteWriter()
        writer.write(bytes: Array("plinius prediction".utf8) + header.id)
        writer.write(UInt64(index))
        writer.write(UInt32(header.outputs))
        bytes = writer.bytes
        nonce = Nonce(stream: 0, counter: UInt64(index))
    }
}
