extension ImageTransform {
    /// Whether every pixel that stays where it is stays as it is.
    public var keepsColors: Bool { hue == 0 && saturation == 1 && exposure == 1 }

    /// Turns hues, and scales saturation and brightness; what leaves 0 to 1 by that is cut off.
    /// - Parameter image: (3, height, width): red, green, blue.
    public func shiftColors(of image: inout MutableSpan<Float>) {
        if keepsColors { return }
        let area = target.area
        precondition(image.count == 3 * area, "there are hues in images of 3 channels")
        for pixel in 0..<area {
            let color = shifted(SIMD3(image[pixel], image[area + pixel], image[2 * area + pixel]))
            for channel in 0..<3 { image[channel * area + pixel] = color[channel] }
        }
    }

    /// By way of hue, saturation and value; the hue of grey is 0.
    private func shifted(_ color: SIMD3<Float>) -> SIMD3<Float> {
        let value = color.max()
        let span = value - color.min()
        // In sixths of the circle, from red.
        var angle: Float = 0
        if span > 0 {
            switch value {
            case color.x: angle = (color.y - color.z) / span
            case color.y: angle = 2 + (color.z - color.x) / span
            default: angle = 4 + (color.x - color.y) / span
            }
        }
        angle += 6 * hue
        angle -= 6 * (angle / 6).rounded(.down)
        let saturation = value > 0 ? span / value * self.saturation : 0
        let brightness = value * exposure
        // How far each channel's own hue is away, and so how much of the saturation is taken from it.
        var distance = SIMD3(repeating: angle) - SIMD3(0, 2, 4)
        distance.replace(with: -distance, where: distance .< 0)
        distance.replace(with: 6 - distance, where: distance .> 3)
        let lack = (distance - 1).clamped(lowerBound: SIMD3(), upperBound: SIMD3(repeating: 1))
        return (brightness * (1 - saturation * lack))
            .clamped(lowerBound: SIMD3(), upperBound: SIMD3(repeating: 1))
    }
}
