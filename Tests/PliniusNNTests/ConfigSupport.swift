import Glibc
import PliniusNN
import Testing

/// Parses a configuration of the tests.
func parse(_ text: String) throws(ConfigError) -> NetworkDescription {
    try NetworkDescription(parsing: text, file: "net.cfg")
}

/// The message that refuses a configuration.
func refusal(
    of text: String, sourceLocation: SourceLocation = #_sourceLocation
) -> String {
    let error = #expect(throws: ConfigError.self, sourceLocation: sourceLocation) { try parse(text) }
    return error?.description ?? "accepted"
}

/// A layer's options in the order in which they are declared.
func summary(_ layer: LayerDescription) -> String {
    func said(_ number: Float?) -> String { number.map { "\($0)" } ?? "-" }
    func words(_ parts: Any...) -> String { parts.map { "\($0)" }.joined(separator: " ") }
    return switch layer.kind {
    case .convolutional(let c):
        words("conv", c.filters, c.size, c.stride, c.padding, c.groups, c.batchNormalize, c.activation)
            + (c.signs == .none ? "" : " \(c.signs)")
    case .connected(let c): words("connected", c.outputs, c.batchNormalize, c.activation)
    case .maxpool(let m): words("maxpool", m.size, m.stride, m.padding)
    case .avgpool: "avgpool"
    case .dropout(let probability): words("dropout", probability)
    case .softmax(let s):
        words("softmax", s.groups, s.temperature, s.noLoss)
            + (s.isSpatial ? " spatial" : "") + (s.tree.map { " \($0.groups)" } ?? "")
    case .cost(let c): words("cost", c.form, c.scale)
    case .batchnorm: "batchnorm"
    case .local(let l): words("local", l.filters, l.size, l.stride, l.padding, l.activation)
    case .deconvolutional(let d):
        words("deconv", d.filters, d.size, d.stride, d.padding, d.batchNormalize, d.activation)
    case .normalization(let n): words("normalization", n.size, n.alpha, n.beta, n.kappa)
    case .l2norm: "l2norm"
    case .logistic: "logistic"
    case .route(let r): words("route", r.layers, r.groups, r.group)
    case .shortcut(let s): words("shortcut", s.from, s.activation, s.alpha, s.beta)
    case .activation(let activation): words("activation", activation)
    case .upsample(let u): words("upsample", u.stride, u.reduces, u.scale)
    case .reorg(let r): words("reorg", r.stride, r.reverse, r.flatten, r.extra)
    case .crop(let c): words("crop", c.height, c.width, c.flips, c.adjusts)
    case .recurrent(let r): words(r.cell, r.outputs, r.hidden, r.batchNormalize, r.shortcut, r.activation)
    case .region(let b), .yolo(let b):
        words(
            "boxes", b.classes, b.anchors.map { "\($0.x)x\($0.y)" }, b.unit.x, b.unit.y, b.mask, b.maximumBoxes,
            b.ignoreThreshold, b.truthThreshold, b.softmax, b.background, b.rescores, b.matchesAnchors,
            b.coordinateScale, b.objectScale, b.noObjectScale, b.classScale, said(b.jitter), b.resizes)
    case .detection(let g):
        words(
            "grid", g.classes, g.side, g.boxes, g.softmax, g.usesRoots, g.rescores, g.forcesBySize, g.random,
            g.coordinateScale, g.objectScale, g.noObjectScale, g.classScale, said(g.jitter))
    case .iseg(let m): words("masks", m.classes, m.ids)
    }
}

/// A file's text; an empty one if there is none.
func text(of path: String) -> String {
    guard let file = fopen(path, "rb") else { return "" }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes.prefix(count), as: UTF8.self)
}

/// The package's own configuration of the paper's network.
let mnistConfig: String = {
    let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
    return text(of: parts.joined(separator: "/") + "/configs/mnist.cfg")
}()

/// Every layer, and every key that means something.
let everything = """
    [net]
    batch=12
    subdivisions=3
    height=14
    width=12
    channels=4
    learning_rate=0.05
    momentum=0.8
    decay=0.002
    policy=steps
    steps=100,250
    scales=.1,.5
    burn_in=10
    power=3
    max_batches=400
    sampling=with-replacement

    [convolutional]
    batch_normalize=1
    filters=8
    size=3
    stride=2
    pad=1
    groups=2
    activation=elu
    learning_rate=.5

    [maxpool]
    size=3
    stride=2
    padding=1

    [conv]
    filters=6
    size=2
    padding=2
    activation=relu
    stopbackward=1

    [avgpool]

    [connected]
    output=9
    batch_normalize=1
    activation=tanh

    [dropout]
    probability=.25

    [connected]
    output=6
    activation=linear

    [softmax]
    groups=2
    temperature=1.5

    [cost]
    type=smooth
    scale=2
    """
