import Foundation
import _PliniusTestSupport

/// A folder with a pair of IDX files that a test may damage.
struct IDXFiles {
    let folder: TemporaryDirectory
    /// Five images of 2 rows and 3 columns.
    var images: [UInt8] = [0, 0, 8, 3, 0, 0, 0, 5, 0, 0, 0, 2, 0, 0, 0, 3] + (0..<30).map { $0 * 8 }
    var labels: [UInt8] = [0, 0, 8, 1, 0, 0, 0, 5, 7, 0, 9, 3, 3]

    init() throws {
        folder = try TemporaryDirectory()
    }

    /// Writes both files, compressed by the system's own gzip if asked, and returns their paths.
    func write(compressed: Bool = false) throws -> (images: String, labels: String) {
        let paths = (try folder.write(images, to: "images"), try folder.write(labels, to: "labels"))
        guard compressed else { return paths }
        for path in [paths.0, paths.1] {
            let gzip = try Process.run(URL(filePath: "/usr/bin/env"), arguments: ["gzip", "-f", path])
            gzip.waitUntilExit()
            precondition(gzip.terminationStatus == 0, "gzip failed")
        }
        return (paths.0 + ".gz", paths.1 + ".gz")
    }
}
