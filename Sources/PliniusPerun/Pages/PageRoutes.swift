import HTTPTypes
import PliniusPerunClient
import PliniusPolicy
import PliniusPolicyManager

extension PerunServer {
    /// What a browser asks for.
    static func pageRoutes(_ manager: PolicyManager, _ sessions: ReadSessions?) -> [Route] {
        func page(_ path: String, _ make: @escaping @Sendable (Call) async throws -> Page) -> Route {
            Route(.get, path, access: .reading) { call in
                let page = try await make(call)
                return page.answer(in: PageFrame(manager, hasToken: sessions != nil))
            }
        }
        return [
            page("/") { _ in try await .overview(manager) },
            page("/approvals") { _ in try await .approvals(manager) },
            page("/statements/{hash}") { call in
                try await .statement(try hexadecimal(call.parameter("hash"), count: 32, "statement.hash"), manager)
            },
            page("/policies") { _ in try await .policies(manager) },
            page("/policies/{namespace}/{name}") { call in
                let name = "\(call.parameter("namespace"))/\(call.parameter("name"))"
                return try await .policy(try ScopedName.read(name, "policy.name"), manager)
            },
            page("/assets") { _ in try await .assets(manager) },
            page("/leases") { _ in try await .leases(manager) },
            page("/decisions") { call in try .decisions(manager, before: try call.before()) },
            page("/audit") { call in try .audit(manager, before: try call.before()) },
            page("/audit/{index}") { call in
                try .entry(
                    try Call.number(call.parameter("index"), "audit.index", in: 0...Int(Int32.max)), manager)
            },
        ] + fileRoutes + sessionRoutes(manager, sessions)
    }

    /// What pages are shown and verified with; nothing in it is anybody's.
    private static var fileRoutes: [Route] {
        func file(_ path: String, _ mediaType: String, _ text: String) -> Route {
            Route(.get, path) { _ in Answer(mediaType: mediaType, bytes: Array(text.utf8)) }
        }
        return [
            file("/style.css", "text/css; charset=utf-8", stylesheet),
            file("/verify.js", "text/javascript; charset=utf-8", verificationScript),
            file("/icon.svg", "image/svg+xml", icon),
        ]
    }

    /// Showing the token, and leaving.
    private static func sessionRoutes(_ manager: PolicyManager, _ sessions: ReadSessions?) -> [Route] {
        guard let sessions else { return [] }
        return [
            Route(.get, "/login") { _ in
                Page.login().answer(in: PageFrame(manager, hasToken: true, isReading: false))
            },
            Route(.post, "/login", bodyLimit: 4_096, bodyType: Route.form) { call in
                guard sessions.isToken(try call.formField("token")) else {
                    return Page.login(hasFailed: true).answer(
                        in: PageFrame(manager, hasToken: true, isReading: false), status: .forbidden)
                }
                return .redirect(to: "/", cookie: sessions.begun(at: manager.instant))
            },
            Route(.post, "/logout", bodyLimit: 4_096, bodyType: Route.form) { _ in
                .redirect(to: "/login", cookie: ReadSessions.ended)
            },
        ]
    }
}

extension Answer {
    /// Sends a browser to another page.
    static func redirect(to path: String, cookie: String? = nil) -> Answer {
        var headers = Page.headers
        headers[.location] = path
        headers[.setCookie] = cookie
        return Answer(status: .seeOther, mediaType: "text/plain; charset=utf-8", bytes: [], headers: headers)
    }
}

extension Call {
    /// Where a page of the log begins; `nil` for its newest end.
    fileprivate func before() throws -> Int? {
        guard let text = query["before"] else { return nil }
        return try Self.number(text, "request.query.before", in: 0...Int(Int32.max))
    }

    /// A field of the form that is the body.
    fileprivate func formField(_ name: String) throws -> String {
        // Forms are encoded as queries are.
        guard let text = String(validating: body, as: UTF8.self),
            let value = try RequestTarget("/?\(text)").query[name]
        else {
            throw ProblemDetails.malformed("request.body", expected: "a form with the field \(name)", found: "none")
        }
        return value
    }
}
