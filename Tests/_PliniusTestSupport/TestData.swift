import Glibc

/// The folder of real data sets that the variable `PLINIUS_DATA` names, `nil` if it is not set.
///
/// It holds `mnist/` with the four IDX files, gzip; tests that can use it do, and all others pass without it. A name that leads
/// nowhere traps: a test that was meant to run on real data must not pass without.
public let testData: String? = {
    guard let value = getenv("PLINIUS_DATA") else { return nil }
    let path = String(cString: value)
    guard !path.isEmpty else { return nil }
    precondition(
        access("\(path)/mnist/train-images-idx3-ubyte.gz", R_OK) == 0,
        "PLINIUS_DATA is \(path), and there is no mnist/train-images-idx3-ubyte.gz in it"
    )
    return path
}()
