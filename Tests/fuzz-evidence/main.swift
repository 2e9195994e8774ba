// Gives a parser to libFuzzer. Built by scripts/fuzz alone, which brings the library.
//
//     fuzz-evidence list                      the parsers, each with the longest input
//     fuzz-evidence seeds PARSER FOLDER       writes the inputs to start from
//     fuzz-evidence PARSER OPTION…            libFuzzer's options

import CFuzzer
import FoundationEssentials
import Glibc
import _PliniusFuzzing

func parser(_ name: String) -> FuzzedParser {
    guard let parser = FuzzedParser.all.first(where: { $0.name == name }) else {
        fatalError("no parser is called \(name)")
    }
    return parser
}

nonisolated(unsafe) var fuzzed = FuzzedParser.all[0]

let arguments = CommandLine.arguments
switch arguments.dropFirst().first {
case nil, "list":
    for parser in FuzzedParser.all { print(parser.name, parser.maximumByteCount) }
case "seeds":
    for (index, bytes) in parser(arguments[2]).seeds(from: Samples()).enumerated() {
        try Data(bytes).write(to: URL(filePath: arguments[3]).appending(path: "seed-\(index)"))
    }
case let name?:
    fuzzed = parser(name)
    var count = CommandLine.argc - 1
    // Its first argument is the program's name.
    var rest: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv + 1
    exit(
        LLVMFuzzerRunDriver(&count, &rest) { bytes, byteCount in
            let input = Array(UnsafeBufferPointer(start: bytes, count: byteCount))
            if let violation = fuzzed.violation(input) { fatalError("\(fuzzed.name): \(violation)") }
            return 0
        })
}
