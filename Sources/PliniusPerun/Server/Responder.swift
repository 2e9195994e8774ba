import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import PliniusPerunClient
import PliniusPolicyManager

/// What the server knows of the connection that a request came on.
struct ConnectionContext: InitializableFromSource {
    let channel: any Channel
    let logger: Logger

    init(source: ApplicationRequestContextSource) {
        channel = source.channel
        logger = source.logger
    }

    /// What requests are counted by: the address, of IPv6 the 64 bits that one customer usually has.
    var address: String {
        guard let address = channel.remoteAddress else { return "none" }
        switch address {
        case .v4: return address.ipAddress ?? "none"
        case .v6: return (address.ipAddress ?? "none").split(separator: ":").prefix(4).joined(separator: ":")
        case .unixDomainSocket: return "local"
        }
    }
}

/// Finds the route of each request, after all that has to be looked at before, and answers: with a problem where something is amiss.
struct Responder: HTTPResponder {
    let table: RouteTable
    let limits: ServerLimits
    /// Who reads, and by what right; `nil` where there is nothing to read.
    let readers: Readers?
    /// What is answered where there is no route; else that there is none.
    private let otherwise: ProblemDetails?
    private let limiter: RateLimiter
    private let memory: MemoryBudget

    init(routes: [Route], limits: ServerLimits, readers: Readers? = nil, otherwise: ProblemDetails? = nil) {
        table = RouteTable(routes)
        self.limits = limits
        self.readers = readers
        self.otherwise = otherwise
        limiter = RateLimiter(burst: limits.burst, rate: limits.rate, capacity: limits.addresses)
        memory = MemoryBudget(limits.bodies)
    }

    func respond(to request: Request, context: ConnectionContext) async -> Response {
        let began = ContinuousClock.now
        let id = String(UInt64.random(in: UInt64.min...UInt64.max), radix: 16)
        var logger = context.logger
        logger[metadataKey: "request"] = .string(id)
        var place = "none"
        // What has no body is at its end.
        var isRead = request.headers[.contentLength] == nil && request.headers[.transferEncoding] == nil
        var answer: Answer
        do {
            answer = try await self.answer(request, context, id: id, logger, place: &place, isRead: &isRead)
        } catch var problem as Refused {
            problem.problem.request = id
            answer = self.answer(problem.problem, to: request, headers: problem.headers)
        } catch {
            var problem = self.problem(error, logger)
            problem.request = id
            answer = self.answer(problem, to: request)
        }
        logger.info(
            "\(request.method) \(place)",
            metadata: [
                "status": .stringConvertible(answer.status.code), "bytes": .stringConvertible(answer.bytes.count),
                "milliseconds": .stringConvertible(Int(began.duration(to: .now) / .milliseconds(1))),
            ])
        if !isRead {
            answer.headers[.connection] = "close"
            closeSoon(context.channel)
        }
        return response(answer)
    }

    /// What is not answered, and what its answer's header says besides.
    private struct Refused: Error {
        var problem: ProblemDetails
        var headers: HTTPFields = [:]

        init(_ status: Int, _ title: String, _ detail: String, headers: HTTPFields = [:]) {
            problem = .plain(status, title, detail)
            self.headers = headers
        }
    }

    private func answer(
        _ request: Request, _ context: ConnectionContext, id: String, _ logger: Logger, place: inout String,
        isRead: inout Bool
    ) async throws -> Answer {
        let headerBytes = request.headers.reduce(0) { $0 + $1.name.rawName.utf8.count + $1.value.utf8.count + 4 }
        guard headerBytes <= limits.headers else {
            throw Refused(
                431, "Request Header Fields Too Large",
                "the header has \(headerBytes) bytes, at most \(limits.headers) are read")
        }
        if let seconds = limiter.wait(for: context.address) {
            throw Refused(
                429, "Too Many Requests", "this address asks too often: wait for \(seconds) s",
                headers: [.retryAfter: "\(seconds)"])
        }
        guard request.uri.string.utf8.count <= limits.target else {
            throw Refused(414, "URI Too Long", "the target is longer than \(limits.target) bytes")
        }
        let target = try RequestTarget(request.uri.string)
        let match = table.match(request.method, target.segments)
        if let otherwise, !match.isRoute { throw otherwise }
        switch match {
        case .none: throw Refused(404, "Not Found", "there is nothing at this path: /openapi.yaml lists what there is")
        case .otherMethods(let methods):
            throw Refused(
                405, "Method Not Allowed", "this path takes \(methods.map(\.rawValue).joined(separator: ", "))",
                headers: [.allow: methods.map(\.rawValue).joined(separator: ", ")])
        case .route(let route, let parameters):
            place = route.path
            try authorize(request, for: route)
            let size = try bodySize(of: request, for: route)
            guard memory.take(size) else {
                throw Refused(
                    429, "Too Many Requests", "as many long requests as fit are being worked on: try again",
                    headers: [.retryAfter: "2"])
            }
            defer { memory.giveBack(size) }
            let body = try await body(of: request, for: route)
            isRead = true
            return try await route.answer(
                Call(
                    id: id, parameters: parameters, query: target.query, headers: request.headers, body: body,
                    logger: logger))
        }
    }

    /// Looks for the token, or for a session that began with it, where one is needed.
    private func authorize(_ request: Request, for route: Route) throws {
        guard route.access == .reading, readers?.admit(request) != true else { return }
        throw Refused(
            401, "Unauthorized", "this manager lists nothing without the token for reading",
            headers: [.wwwAuthenticate: "Bearer"])
    }

    // MARK: - The body

    /// How long the body is, or, if the request does not say, how long it may become.
    private func bodySize(of request: Request, for route: Route) throws -> Int {
        guard let text = request.headers[.contentLength] else { return route.bodyLimit }
        guard let length = Int(text), length >= 0 else {
            throw Refused(400, "Bad Request", "the length of the body is no number")
        }
        guard length <= route.bodyLimit else { throw tooLong(route) }
        return length
    }

    private func tooLong(_ route: Route) -> Refused {
        Refused(
            413, "Content Too Large",
            route.bodyLimit == 0
                ? "requests of this kind have no body" : "the body is longer than \(route.bodyLimit) bytes")
    }

    private func body(of request: Request, for route: Route) async throws -> [UInt8] {
        let limit = route.bodyLimit
        if limit > 0 { try checkType(request, route.bodyType) }
        let collected = try await withThrowingTaskGroup(of: [UInt8]?.self) { group in
            group.addTask {
                var bytes: [UInt8] = []
                for try await part in request.body {
                    guard bytes.count + part.readableBytes <= limit else { throw tooLong(route) }
                    bytes += part.readableBytesView
                }
                return bytes
            }
            group.addTask {
                try await Task.sleep(for: .seconds(limits.requestSeconds))
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
        guard let collected else {
            throw Refused(
                408, "Request Timeout", "the body did not arrive within \(limits.requestSeconds) s")
        }
        return collected
    }

    private func checkType(_ request: Request, _ expected: String) throws {
        let type = (request.headers[.contentType] ?? "none").lowercased()
        let parts = type.split(separator: ";", maxSplits: 1).map { $0.filter { $0 != " " && $0 != "\"" } }
        guard parts.first == expected, parts.count < 2 || parts[1] == "charset=utf-8" else {
            throw Refused(
                415, "Unsupported Media Type", "bodies are \(expected), this one is \(type.prefix(80))",
                headers: [.init("accept-post") ?? .accept: expected])
        }
        let encoding = (request.headers[.contentEncoding] ?? "identity").lowercased()
        guard encoding == "identity" else {
            throw Refused(
                415, "Unsupported Media Type", "bodies are not compressed, this one is \(encoding.prefix(40))")
        }
    }

    /// Ends a connection on which more of a refused request may be on its way, once the answer is through.
    private func closeSoon(_ channel: any Channel) {
        channel.eventLoop.scheduleTask(in: .seconds(2)) { channel.close(promise: nil) }
    }

    // MARK: - Answers

    /// A problem for programs; for people, who come with a browser, a page that says the same.
    private func answer(_ problem: ProblemDetails, to request: Request, headers: HTTPFields = [:]) -> Answer {
        let isForPeople =
            (request.headers[.accept] ?? "").contains("text/html") && !request.uri.string.hasPrefix("/v1/")
        guard isForPeople, let readers else { return Answer(problem, headers: headers) }
        if problem.status == 401 { return .redirect(to: "/login") }
        let frame = PageFrame(
            readers.manager, hasToken: readers.sessions != nil, isReading: readers.admit(request))
        var answer = Page.failure(problem.title, problem.detail, request: problem.request)
            .answer(in: frame, status: HTTPResponse.Status(code: problem.status))
        for field in headers { answer.headers[field.name] = field.value }
        return answer
    }

    private func problem(_ error: any Error, _ logger: Logger) -> ProblemDetails {
        switch error {
        case let problem as ProblemDetails: return problem
        case let error as ManagerError:
            if error.code == .unavailable || error.code == .integrity {
                logger.error("the manager failed", metadata: ["reason": .string(error.message)])
            }
            return ProblemDetails(error)
        case let refusal as Refusal: return ProblemDetails(refusal)
        default:
            // What it says may name files; whoever asks learns that it failed.
            logger.error("a request failed", metadata: ["error": .string("\(type(of: error))")])
            return .plain(
                500, "Internal Server Error", "the request failed for a reason that the log of the manager has")
        }
    }

    private func response(_ answer: Answer) -> Response {
        var headers: HTTPFields = [
            .contentType: answer.mediaType, .cacheControl: "no-store", .contentLength: "\(answer.bytes.count)",
            .strictTransportSecurity: "max-age=31536000", .xContentTypeOptions: "nosniff",
            .contentSecurityPolicy: "default-src 'none'; frame-ancestors 'none'",
        ]
        for (name, value) in [
            ("referrer-policy", "no-referrer"), ("x-frame-options", "DENY"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            if let name = HTTPField.Name(name) { headers[name] = value }
        }
        for field in answer.headers { headers[field.name] = field.value }
        return Response(
            status: answer.status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.bytes)))
    }
}
