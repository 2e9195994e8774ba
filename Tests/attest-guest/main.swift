// Obtains evidence of a machine's TPM and of what its kernel measured, for scripts/vm-attest.
//
//     attest-guest RUNTIME-DATA BUNDLE START
//
// START is the number of entries of IMA's list that the verifier has seen.

import Glibc
import PliniusAttester
import PliniusWire

func give(up reason: String) -> Never {
    let sentence = Array("attest-guest: \(reason)\n".utf8)
    _ = write(STDERR_FILENO, sentence, sentence.count)
    exit(1)
}

func contents(_ path: String) -> [UInt8] {
    guard let file = fopen(path, "r") else { give(up: "\(path): \(String(cString: strerror(errno)))") }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 64 << 10)
    bytes.removeLast(bytes.count - fread(&bytes, 1, bytes.count, file))
    return bytes
}

let arguments = CommandLine.arguments
guard arguments.count == 4, let start = UInt64(arguments[3]) else { give(up: "attest-guest RUNTIME-DATA BUNDLE START") }
var options = EvidenceOptions()
options.firstLogEntry = start
let runtimeData = contents(arguments[1])
do {
    let evidence = try Attester(named: "tpm").evidence(for: runtimeData, options: options)
    let bundle = EvidenceBundle(runtimeData: runtimeData, evidence: evidence).encoded
    guard let file = fopen(arguments[2], "w"), fwrite(bundle, 1, bundle.count, file) == bundle.count, fclose(file) == 0
    else { give(up: "\(arguments[2]): \(String(cString: strerror(errno)))") }
} catch {
    give(up: "\(error)")
}
