import PliniusNN

extension Augmentation {
    /// What is done to images, one sentence for each key that acts.
    var sentences: [String] {
        var sentences: [String] = []
        switch fit {
        case .none: break
        case .crop(let least, let most):
            sentences.append(
                "training sees random windows of images scaled to \(least) to \(most) pixels; otherwise the middle is seen"
            )
        case .center: sentences.append("the largest window in the middle is seen")
        case .letterbox where jitter > 0: break
        case .letterbox: sentences.append("the whole image is seen, on grey")
        }
        if jitter > 0 {
            sentences.append(
                "training places the whole image on grey at random, its sides moved by up to \(formatted(jitter)) of themselves; "
                    + "otherwise it is in the middle")
        }
        if angle > 0 { sentences.append("turned by up to \(formatted(angle)) degrees") }
        if aspect != 1 { sentences.append("narrowed or widened by up to \(formatted(aspect))") }
        if flips { sentences.append("every other one is mirrored") }
        if hue > 0 { sentences.append("hue turned by up to \(formatted(hue)) of the circle") }
        if saturation != 1 { sentences.append("saturation times or divided by up to \(formatted(saturation))") }
        if exposure != 1 { sentences.append("brightness times or divided by up to \(formatted(exposure))") }
        return sentences
    }
}
