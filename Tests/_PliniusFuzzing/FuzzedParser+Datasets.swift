import PliniusDatasets

extension FuzzedParser {
    /// What owners bring from strangers, before it is sealed.
    static let datasets = [
        FuzzedParser("npz", atMost: 4096, .loose, seeds: { _ in Seed.archives }) {
            let source = try NPZSource(ByteFile(name: "npz", bytes: $0), split: .train)
            try readAll(source)
            return .accepted
        },
        FuzzedParser("npy-header", atMost: 512, .loose, seeds: { _ in [Seed.arrayHeader] }) {
            _ = try NPYHeader($0, file: "npy")
            return .accepted
        },
        FuzzedParser("cifar", atMost: 8192, .loose, seeds: { _ in [Seed.cifarRecord] }) {
            try readAll(CIFARSource([ByteFile(name: "cifar", bytes: $0)], .cifar10))
            return .accepted
        },
        FuzzedParser("png", atMost: 2048, .loose, seeds: { _ in Seed.pngs }) {
            _ = try ImageDecoder.decodeUnconfined($0, name: "png", limits: limits)
            return .accepted
        },
        FuzzedParser("jpeg", atMost: 2048, .loose, seeds: { _ in Seed.jpegs }) {
            _ = try ImageDecoder.decodeUnconfined($0, name: "jpeg", limits: limits)
            return .accepted
        },
        FuzzedParser("image-list", atMost: 1024, .loose, seeds: { _ in Seed.imageLists }) {
            let end = $0.firstRange(of: Array("--\n".utf8)) ?? $0.count..<$0.count
            let names = try ClassNames(ByteFile(name: "names", bytes: Array($0[..<end.lowerBound])))
            let list = ByteFile(name: "list", bytes: Array($0[end.upperBound...]))
            let files = try LabelledFiles(list: list, names: names).files
            guard files.allSatisfy({ names.names.indices.contains($0.label) }) else { throw UnknownLabel() }
            return .accepted
        },
        FuzzedParser("yolo-boxes", atMost: 1024, .loose, seeds: { _ in Seed.boxes }) {
            let boxes = try YOLOBoxes(ByteFile(name: "boxes", bytes: $0), classes: 3, most: 4).boxes
            guard boxes.count <= 4, boxes.allSatisfy({ 0..<3 ~= $0.label && $0.extents.min() >= 0 }) else {
                throw UnknownLabel()
            }
            return .accepted
        },
        FuzzedParser("number-table", atMost: 1024, .loose, seeds: { _ in Seed.tables }) {
            let table = try NumberTable(ByteFile(name: "table", bytes: $0))
            var count = 0
            while let row = try table.next() {
                guard row.count == table.columns, row.allSatisfy(\.isFinite) else { throw UnknownLabel() }
                count += 1
            }
            guard count == table.count else { throw UnknownLabel() }
            return .accepted
        },
    ]

    /// Small, so that an input takes no time of the others.
    private static let limits = {
        var limits = ImageLimits()
        limits.pixels = 1 << 16
        return limits
    }()

    private static func readAll(_ source: some SampleSource) throws {
        var pixels: [UInt8] = []
        var count = 0
        while let label = try source.next(into: &pixels) {
            guard label < source.classes, pixels.count == source.extents.count else { throw UnknownLabel() }
            count += 1
        }
        guard count == source.count else { throw UnknownLabel() }
    }

    /// A label or a number of samples that the source did not announce.
    private struct UnknownLabel: Error {}
}
