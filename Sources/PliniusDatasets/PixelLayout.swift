/// Puts the colours of an image apart: from pixel by pixel to channel by channel.
/// - Parameters:
///   - image: Rows of pixels of `channels` bytes.
///   - pixels: Replaced by channels, then rows, then columns.
func makePlanar(_ image: [UInt8], channels: Int, into pixels: inout [UInt8]) {
    guard channels > 1 else {
        pixels = image
        return
    }
    if pixels.count != image.count { pixels = [UInt8](repeating: 0, count: image.count) }
    let plane = image.count / channels
    for channel in 0..<channels {
        for place in 0..<plane {
            pixels[channel * plane + place] = image[place * channels + channel]
        }
    }
}
