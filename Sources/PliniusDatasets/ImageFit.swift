/// How an image comes into a frame of another size.
public enum ImageFit: Sendable {
    /// Each side is scaled by itself.
    case stretch
    /// Both sides are scaled alike, so that the image just fits; grey above and below it, or left and right.
    case letterbox
}

/// Where an image lies in a frame.
struct Placement {
    let frameWidth: Int
    let frameHeight: Int
    let width: Int
    let height: Int
    let left: Int
    let top: Int

    /// Places an image as Darknet's letterbox does, or all over the frame.
    init(_ image: DecodedImage, in extents: ImageExtents, _ fit: ImageFit) {
        (frameWidth, frameHeight) = (extents.width, extents.height)
        switch fit {
        case .stretch: (width, height) = (extents.width, extents.height)
        case .letterbox where extents.width * image.height < extents.height * image.width:
            (width, height) = (extents.width, max(1, image.height * extents.width / image.width))
        case .letterbox: (width, height) = (max(1, image.width * extents.height / image.height), extents.height)
        }
        left = (frameWidth - width) / 2
        top = (frameHeight - height) / 2
    }

    /// Puts planes of the image's size into planes of the frame's.
    func framed(_ planes: [UInt8], channels: Int, background: UInt8) -> [UInt8] {
        guard width < frameWidth || height < frameHeight else { return planes }
        var frame = [UInt8](repeating: background, count: channels * frameHeight * frameWidth)
        for channel in 0..<channels {
            for row in 0..<height {
                let source = (channel * height + row) * width
                let place = (channel * frameHeight + top + row) * frameWidth + left
                frame.replaceSubrange(place..<place + width, with: planes[source..<source + width])
            }
        }
        return frame
    }
}

extension DecodedImage {
    /// The image in a frame, channel by channel; the grey around it is 128, which is nearest to Darknet's one half.
    func placed(_ placement: Placement, channels: Int) -> [UInt8] {
        let planes = fitted(to: ImageExtents(channels: channels, height: placement.height, width: placement.width))
        return placement.framed(planes, channels: channels, background: 128)
    }

    /// A grey image whose values are classes in a frame: the nearest value for each pixel, 255 around them.
    func placedClasses(_ placement: Placement) -> [UInt8] {
        let columns = Sampling(from: width, to: placement.width)
        let rows = Sampling(from: height, to: placement.height)
        var classes: [UInt8] = []
        classes.reserveCapacity(placement.width * placement.height)
        for row in rows.places {
            let start = rows.nearest(row) * width
            for column in columns.places { classes.append(pixels[start + columns.nearest(column)]) }
        }
        return placement.framed(classes, channels: 1, background: 255)
    }
}

extension ImageExtents {
    /// The extents that images are brought to.
    /// - Throws: ``SourceError`` if no sealed image can have them.
    init(channels: Int, size: (height: Int, width: Int)) throws(SourceError) {
        guard channels == 1 || channels == 3 else {
            throw SourceError(.unsupported, "channels", "images have 1 channel or 3, and \(channels) are asked for")
        }
        guard 1...65_536 ~= size.height, 1...65_536 ~= size.width, size.height * size.width <= 1 << 26 / channels else {
            throw SourceError(
                .oversized, "size",
                "images of \(size.width) x \(size.height) cannot be sealed: at most 2^26 bytes an image")
        }
        self.init(channels: channels, height: size.height, width: size.width)
    }
}
