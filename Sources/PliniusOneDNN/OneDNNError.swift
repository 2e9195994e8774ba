internal import COneDNN

/// Why a network could not be compiled for oneDNN.
public struct OneDNNError: Error, Hashable, CustomStringConvertible {
    /// What kind of failure it is.
    public struct Code: Hashable, Sendable {
        private enum Value: Hashable {
            case noEngine
            case noLayout
            case noPrimitive
        }

        private let value: Value

        /// oneDNN gave no engine for this processor.
        public static let noEngine = Code(value: .noEngine)
        /// oneDNN cannot describe a tensor of these extents.
        public static let noLayout = Code(value: .noLayout)
        /// oneDNN has no code for an operation of these shapes.
        public static let noPrimitive = Code(value: .noPrimitive)
    }

    public let code: Code
    /// What was asked for, what oneDNN said, and what to do.
    public let message: String

    public var description: String { message }

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// Checks the status of the creation of a primitive.
    static func check(_ status: CInt, _ operation: @autoclosure () -> String) throws(OneDNNError) {
        guard status != 0 else { return }
        let text = unsafe String(cString: conednn_status_text(status))
        throw OneDNNError(
            .noPrimitive,
            "oneDNN has no \(operation()): \(text); the reference executor (--executor reference) computes every network"
        )
    }
}
