import FoundationEssentials

/// What TCB info and QE identity have in common: for whom they are, since when, and until when.
protocol IntelStatement: Decodable {
    /// The version of the layout that is read here.
    static var knownVersion: Int { get }

    var id: String { get }
    var version: Int { get }
    var issueDate: IntelTime { get }
    var nextUpdate: IntelTime { get }
    /// Rises whenever Intel judges platforms more strictly.
    var tcbEvaluationDataNumber: Int { get }
}

extension IntelStatement {
    /// Reads a statement whose signature held.
    /// - Throws: the check that is named.
    init(json text: String, check: String) throws(EvidenceError) {
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(text.utf8))
        } catch {
            throw EvidenceError(check, expected: "JSON as Intel's service writes it", found: "\(error)")
        }
    }
}

/// How far up to date platforms of one family are (Intel PCS API, version 4, TCB info of version 3).
struct TCBInfo: IntelStatement {
    static let knownVersion = 3

    var id: String
    var version: Int
    var issueDate: IntelTime
    var nextUpdate: IntelTime
    var fmspc: IntelOctets
    var pceId: IntelOctets
    var tcbType: Int
    var tcbEvaluationDataNumber: Int
    /// For TDX modules of major version 0.
    var tdxModule: Module?
    /// For the later ones.
    var tdxModuleIdentities: [ModuleIdentity]?
    /// The best first.
    var tcbLevels: [Level]

    struct Module: Decodable {
        var mrsigner: IntelOctets
        var attributes: IntelOctets
        var attributesMask: IntelOctets
    }

    struct ModuleIdentity: Decodable {
        /// `TDX_` and the module's major version, two hexadecimal digits.
        var id: String
        var mrsigner: IntelOctets
        var attributes: IntelOctets
        var attributesMask: IntelOctets
        /// The best first.
        var tcbLevels: [SVNLevel]
    }

    struct Level: Decodable {
        var tcb: Components
        var tcbDate: IntelTime
        var tcbStatus: TCBStatus
        var advisoryIDs: [String]?
    }

    struct Components: Decodable {
        var sgxtcbcomponents: [Component]
        var pcesvn: UInt16
        var tdxtcbcomponents: [Component]?
    }

    struct Component: Decodable {
        var svn: UInt8
    }
}

/// Which enclave may sign quotes (Intel PCS API, version 4, enclave identity of version 2).
struct QEIdentity: IntelStatement {
    static let knownVersion = 2

    var id: String
    var version: Int
    var issueDate: IntelTime
    var nextUpdate: IntelTime
    var tcbEvaluationDataNumber: Int
    var miscselect: IntelOctets
    var miscselectMask: IntelOctets
    var attributes: IntelOctets
    var attributesMask: IntelOctets
    var mrsigner: IntelOctets
    var isvprodid: UInt16
    /// The best first.
    var tcbLevels: [SVNLevel]
}

/// The status of everything from an SVN on.
struct SVNLevel: Decodable {
    var tcb: SVN
    var tcbDate: IntelTime
    var tcbStatus: TCBStatus
    var advisoryIDs: [String]?

    struct SVN: Decodable {
        var isvsvn: UInt16
    }
}

/// Bytes that JSON writes as hexadecimal digits.
struct IntelOctets: Decodable, Equatable {
    var bytes: [UInt8]

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let bytes = IntelText.octets(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not hexadecimal digits")
        }
        self.bytes = bytes
    }
}

/// A time that JSON writes as text.
struct IntelTime: Decodable {
    var instant: Instant

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let instant = IntelText.instant(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a time of UTC")
        }
        self.instant = instant
    }
}
