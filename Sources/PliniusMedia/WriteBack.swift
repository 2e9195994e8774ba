import CPliniusPM

/// How stored cache lines are sent to the memory behind them.
///
/// Every choice but `automatic` is for measurements: it treats whatever the file lies on as persistent memory, so that lines are written
/// back there and a commit ends with a fence and never with fdatasync. The detected tier is reported all the same, and on anything but
/// persistent memory a loss of power may then lose and tear what was committed.
public enum WriteBack: String, Sendable, CaseIterable, CustomStringConvertible {
    /// What the medium needs, by the best instruction of the processor.
    case automatic
    /// The best instruction of the processor, forced.
    case best
    /// x86-64: evicts one line after the other.
    case clflush
    /// x86-64: evicts many lines at a time.
    case clflushopt
    /// x86-64: keeps the line in the caches.
    case clwb
    /// arm64: to the point of coherency.
    case dcCVAC = "dc-cvac"
    /// arm64: to the point of persistence.
    case dcCVAP = "dc-cvap"
    /// Plain stores, and fences that have nothing to wait for: what everything but the write-backs costs.
    case none

    /// As options name it.
    public var description: String { rawValue }

    /// The instruction; `nil` for none.
    var instruction: cplinius_line_instruction? {
        switch self {
        case .automatic, .best: cplinius_best_line_instruction()
        case .clflush: .clflush
        case .clflushopt: .clflushopt
        case .clwb: .clwb
        case .dcCVAC: .dc_cvac
        case .dcCVAP: .dc_cvap
        case .none: nil
        }
    }

    /// Whether this processor has the instruction.
    public var isAvailable: Bool { instruction.map { cplinius_has_line_instruction($0) } ?? true }
}
