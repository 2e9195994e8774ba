import FoundationEssentials
import HTTPTypes
import Logging
import PliniusPerunClient

/// One request, as whoever answers it sees it.
struct Call: Sendable {
    /// Names it in the log, and in problems.
    let id: String
    /// The parts of the path that the route names.
    let parameters: [String: String]
    let query: [String: String]
    let headers: HTTPFields
    let body: [UInt8]
    let logger: Logger

    /// The body as a message.
    /// - Throws: ``ProblemDetails`` with status 400.
    func message<Message: Decodable>(_: Message.Type = Message.self) throws -> Message {
        do {
            return try JSONDecoder().decode(Message.self, from: Data(body))
        } catch {
            throw ProblemDetails.malformed(
                "request.body", expected: "a JSON object with the members of \(Message.self)",
                found: Self.reason(error))
        }
    }

    /// Where the reading of a message ended, without the bytes that were read.
    private static func reason(_ error: any Error) -> String {
        func place(_ path: [any CodingKey]) -> String {
            path.isEmpty ? "the whole" : path.map { String($0.stringValue.prefix(64)) }.joined(separator: ".")
        }
        switch error {
        case DecodingError.keyNotFound(let key, _): return "no member \(key.stringValue)"
        case DecodingError.typeMismatch(_, let context): return "another type at \(place(context.codingPath))"
        case DecodingError.valueNotFound(_, let context): return "null at \(place(context.codingPath))"
        case DecodingError.dataCorrupted(let context): return "what cannot be read at \(place(context.codingPath))"
        default: return "something else"
        }
    }

    /// A part of the path that the route names.
    func parameter(_ name: String) -> String {
        guard let value = parameters[name] else { preconditionFailure("the route has no parameter \(name)") }
        return value
    }

    /// A number of the query.
    /// - Throws: ``ProblemDetails`` with status 400.
    func number(_ name: String, in range: ClosedRange<Int>, otherwise usual: Int? = nil) throws -> Int {
        guard let text = query[name] else {
            if let usual { return usual }
            throw ProblemDetails.malformed("request.query.\(name)", expected: Self.words(range), found: "none")
        }
        return try Self.number(text, "request.query.\(name)", in: range)
    }

    static func number(_ text: String, _ check: String, in range: ClosedRange<Int>) throws -> Int {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(text), range.contains(number)
        else {
            throw ProblemDetails.malformed(check, expected: words(range), found: "\"\(text.prefix(40))\"")
        }
        return number
    }

    private static func words(_ range: ClosedRange<Int>) -> String {
        "a number from \(range.lowerBound) to \(range.upperBound)"
    }
}

/// What is answered.
struct Answer: Sendable {
    var status = HTTPResponse.Status.ok
    var mediaType: String
    var bytes: [UInt8]
    /// Beside those that every answer has; one of the same name takes their place.
    var headers: HTTPFields = [:]

    init(status: HTTPResponse.Status = .ok, mediaType: String, bytes: [UInt8], headers: HTTPFields = [:]) {
        self.status = status
        self.mediaType = mediaType
        self.bytes = bytes
        self.headers = headers
    }

    /// A message in JSON.
    init(_ message: some Encodable, status: HTTPResponse.Status = .ok) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        self.init(status: status, mediaType: "application/json", bytes: Array(try encoder.encode(message)))
    }

    init(_ problem: ProblemDetails, headers: HTTPFields = [:]) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Texts and numbers alone: there is nothing in it that cannot be written.
        let bytes = (try? encoder.encode(problem)).map { Array($0) } ?? Array("{}".utf8)
        self.init(
            status: HTTPResponse.Status(code: problem.status), mediaType: ProblemDetails.mediaType, bytes: bytes,
            headers: headers)
    }
}

/// What is done with requests of one method and one kind of path.
struct Route: Sendable {
    /// What a request must show before it is answered.
    enum Access: Sendable {
        /// Nothing: what is asked proves itself, or is for everybody.
        case open
        /// The token for reading, where the server has one.
        case reading
    }

    let method: HTTPRequest.Method
    /// `/v1/policies/{namespace}/{name}`.
    let path: String
    let access: Access
    /// The longest body, in bytes; 0 for none.
    let bodyLimit: Int
    /// The media type of bodies.
    let bodyType: String
    let answer: @Sendable (Call) async throws -> Answer

    /// The usual limit of a body: 1 MiB.
    static let usualBody = 1 << 20
    /// The limit of bodies that have evidence or policies' files in them: the longest frame of an enclave, in base64.
    static let longBody = 44 << 20
    /// What programs send.
    static let json = "application/json"
    /// What browsers send of a form.
    static let form = "application/x-www-form-urlencoded"

    private let parts: [Part]

    private enum Part: Sendable {
        case literal(String)
        case parameter(String)
    }

    init(
        _ method: HTTPRequest.Method, _ path: String, access: Access = .open, bodyLimit: Int? = nil,
        bodyType: String = Self.json, _ answer: @escaping @Sendable (Call) async throws -> Answer
    ) {
        self.method = method
        self.path = path
        self.access = access
        self.bodyLimit = bodyLimit ?? (method == .get ? 0 : Self.usualBody)
        self.bodyType = bodyType
        self.answer = answer
        parts = path.split(separator: "/").map { part in
            part.hasPrefix("{") ? .parameter(String(part.dropFirst().dropLast())) : .literal(String(part))
        }
    }

    /// What the path's parts are, if it is of this kind.
    fileprivate func parameters(of segments: [String]) -> [String: String]? {
        guard segments.count == parts.count else { return nil }
        var parameters: [String: String] = [:]
        for (part, segment) in zip(parts, segments) {
            switch part {
            case .literal(let text): guard text == segment else { return nil }
            case .parameter(let name): parameters[name] = segment
            }
        }
        return parameters
    }
}

/// All routes of a server, and which of them a request takes.
struct RouteTable: Sendable {
    let routes: [Route]

    init(_ routes: [Route]) { self.routes = routes }

    enum Match {
        case route(Route, [String: String])
        /// The path is one, with other methods.
        case otherMethods([HTTPRequest.Method])
        case none

        var isRoute: Bool { if case .route = self { true } else { false } }
    }

    /// Finds the route of a path, whose parts are decoded; literal parts win over parameters.
    func match(_ method: HTTPRequest.Method, _ segments: [String]) -> Match {
        let found = routes.compactMap { route in route.parameters(of: segments).map { (route, $0) } }
        let best = found.map { $0.1.count }.min()
        let nearest = found.filter { $0.1.count == best }
        if let (route, parameters) = nearest.first(where: { $0.0.method == method }) {
            return .route(route, parameters)
        }
        return nearest.isEmpty ? .none : .otherMethods(nearest.map { $0.0.method })
    }
}
