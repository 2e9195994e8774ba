import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL
import PliniusPerun
import PliniusPerunClient
import PliniusPolicy
import PliniusPolicyManager
import PliniusVerifier
import PliniusWire
import Testing

/// What browsers are sent.
@Suite("Pages for owners", .timeLimit(.minutes(30))) struct PageTests {
    let pages = PageWorld()

    /// What a bare client gets, which looks like a browser and follows nothing.
    struct Reply {
        let status: Int
        let headers: HTTPHeaders
        let text: String
    }

    private func ask(
        _ server: TestServer, _ path: String, headers: HTTPHeaders = [:], form: String? = nil,
        accept: String = "text/html"
    ) async throws -> Reply {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.certificateVerification = .none
        var configuration = HTTPClient.Configuration(tlsConfiguration: tls, redirectConfiguration: .disallow)
        configuration.httpVersion = .http1Only
        let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            var request = HTTPClientRequest(url: "https://\(server.address)\(path)")
            request.headers = headers
            request.headers.add(name: "accept", value: accept)
            if let form {
                request.method = .POST
                request.headers.add(name: "content-type", value: "application/x-www-form-urlencoded")
                request.body = .bytes(ByteBuffer(string: form))
            }
            let response = try await http.execute(request, timeout: .seconds(600))
            let body = try await response.body.collect(upTo: 1 << 22)
            try await http.shutdown()
            return Reply(
                status: Int(response.status.code), headers: response.headers, text: String(buffer: body))
        } catch {
            try? await http.shutdown()
            throw error
        }
    }

    /// Every kind of page, once.
    private func paths(_ pending: PageWorld.Pending) -> [String] {
        [
            "/", "/approvals", "/policies", "/policies/hospital-a/training", "/assets", "/leases", "/decisions",
            "/audit",
            "/audit?before=7", "/audit/0", "/audit/36", "/audit/38", "/statements/\(pending.hash)",
            "/statements/\(pending.predecessor)", "/nothing", "/statements/x",
        ]
    }

    private static let policy = """
        default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; \
        base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'
        """

    // MARK: - What every page has

    @Test func everyPageIsWholeAndStandsAlone() async throws {
        try await TestServer.run { server in
            let pending = try await pages.establish(on: server)
            for path in paths(pending) {
                let reply = try await ask(server, path)
                let isError = ["/nothing", "/statements/x"].contains(path)
                #expect(isError ? [400, 404].contains(reply.status) : reply.status == 200, "\(path)")
                #expect(reply.headers.first(name: "content-type") == "text/html; charset=utf-8")
                #expect(reply.headers["content-security-policy"] == [Self.policy])
                #expect(reply.headers["cache-control"] == ["no-store"])
                #expect(reply.headers["x-frame-options"] == ["DENY"])
                let page = try Markup(reply.text)
                examine(page, path)
            }
        }
    }

    private func examine(_ page: Markup, _ path: String) {
        // Landmarks, one title, one heading of the first level, no level left out.
        for name in ["html", "head", "title", "body", "header", "main", "footer", "h1", "nav"] {
            #expect(page.all(name).count == 1, "\(path): \(name)")
        }
        #expect(page.all("html").first?.attributes["lang"] == "en")
        #expect(page.all("title").first?.text.isEmpty == false)
        let levels = page.all("h1", "h2", "h3", "h4").map { Int($0.name.dropFirst()) ?? 0 }
        for (first, second) in zip(levels, levels.dropFirst()) { #expect(second <= first + 1, "\(path): \(levels)") }
        #expect(page.all("a").first?.attributes == ["class": "skip", "href": "#main"])
        // Nothing within the page that a policy for contents would have to permit.
        #expect(page.all("style", "img", "iframe", "object", "base").isEmpty)
        for script in page.all("script") { #expect(script.attributes["src"] == "/verify.js" && script.text.isEmpty) }
        for element in page.elements {
            let names = element.attributes.keys
            #expect(!names.contains("style") && !names.contains { $0.hasPrefix("on") }, "\(path): \(element)")
            for name in ["href", "src", "action"] {
                guard let target = element.attributes[name] else { continue }
                #expect(target.hasPrefix("/") && !target.hasPrefix("//") || target == "#main", "\(path): \(target)")
            }
            for name in ["aria-labelledby", "aria-describedby", "for"] {
                if let id = element.attributes[name] { #expect(page.ids.contains(id), "\(path): \(id)") }
            }
            #expect(["-1", "0", nil].contains(element.attributes["tabindex"]))
        }
        let ids = page.elements.compactMap { $0.attributes["id"] }
        #expect(Set(ids).count == ids.count, "\(path): \(ids)")
        // Tables, and what may scroll.
        #expect(page.all("caption").count == page.all("table").count)
        for caption in page.all("caption") { #expect(!caption.text.isEmpty) }
        for head in page.all("th") { #expect(["col", "row"].contains(head.attributes["scope"]), "\(path)") }
        for table in page.all("table") { #expect(table.path.last == "div") }
        for region in page.all("pre") + page.elements.filter({ $0.attributes["class"] == "scroll" }) {
            #expect(region.attributes["tabindex"] == "0" && region.attributes["role"] == "region")
            #expect(region.attributes.keys.contains { $0 == "aria-label" || $0 == "aria-labelledby" })
        }
        for input in page.all("input") {
            #expect(page.all("label").contains { $0.attributes["for"] == input.attributes["id"] })
        }
        // A state is a word, whatever its colour.
        for state in page.all("span") where state.attributes["class"]?.hasPrefix("state ") == true {
            #expect(!state.text.isEmpty)
        }
    }

    @Test func textsOfOthersStayTexts() async throws {
        try await TestServer.run { server in
            let pending = try await pages.establish(on: server)
            var seen = 0
            for path in paths(pending) + (0..<60).map({ "/audit/\($0)" }) {
                let text = try await ask(server, path).text
                #expect(!text.contains("<script>") && !text.contains("<img") && !text.contains("\u{202E}"), "\(path)")
                if text.contains(PageWorld.escaped) { seen += 1 }
            }
            #expect(seen >= 5)
            // The file of a policy, too.
            let source = try await ask(server, "/statements/\(pending.hash)").text
            #expect(source.contains("uses[train].runs"))
            // What stands in an address does.
            let name = "%3Cscript%3Ealert(1)%3C/script%3E"
            for path in ["/\(name)", "/policies/\(name)/x", "/audit?before=\(name)", "/statements/\(name)"] {
                let reply = try await ask(server, path)
                #expect([400, 404].contains(reply.status) && !reply.text.contains("<script>"), "\(path)")
            }
        }
    }

    // MARK: - What they show

    @Test func whatWaitsIsShownWithItsHashAndItsChanges() async throws {
        try await TestServer.run { server in
            let pending = try await pages.establish(on: server)
            for path in ["/approvals", "/statements/\(pending.hash)"] {
                let page = try Markup(try await ask(server, path).text)
                let article = try #require(page.all("article").first)
                #expect(article.text.contains("\(pending.hash)"))
                #expect(article.text.contains("perun policy approve \(pending.hash) --trust trust.json --key mine.pem"))
                #expect(
                    article.text.contains("\(pages.chair.publicKey)") && article.text.contains("Waits for signatures"))
                // The policy that counts has a board of its own, whose key is missing.
                #expect(article.text.contains("Missing\(pages.world.key(of: "clinic").publicKey)"))
                let table = try #require(
                    page.all("table").first { $0.text.contains("Changes to the policy clinic/training") })
                #expect(table.text.hasSuffix("uses[train].runsChanged25"))
            }
            // Once it counts, nothing waits.
            let client = try server.client()
            let approval = pages.world.statement("clinic", .approval(subject: pending.hash))
            _ = try await client.submit(pages.world.request(approval, by: [pages.world.lab]))
            #expect(try await ask(server, "/approvals").text.contains("Nothing waits for signatures"))
            #expect(try await ask(server, "/statements/\(pending.hash)").text.contains(">Counts<"))
            let policy = try await ask(server, "/policies/clinic/training").text
            #expect(policy.contains("0 of 5") && policy.contains(PageWorld.escaped))
        }
    }

    @Test func assetsAndStandbysAreShownAsTheyStand() async throws {
        let world = pages.world
        try await TestServer.run { server in
            _ = try await pages.establish(on: server)
            let client = try server.client()
            let first = try world.asset("lab/net", .config, hex(world.config), secret: .none)
            var asset = Asset(name: try world.name("lab/net"), kind: .config, identity: hex(world.config))
            asset.lineage = [try world.name("lab/older")]
            let second = world.statement("lab", .asset(asset), sequence: 2, predecessor: first.hash)
            _ = try await client.submit(world.request(second))
            let standby = world.statement(
                "lab", .standby(.init(name: "north", sealingKey: [UInt8](repeating: 5, count: 32))))
            _ = try await client.submit(world.request(standby))
            let page = try Markup(try await ask(server, "/assets").text)
            examine(page, "/assets")
            let rows = page.all("tr").map(\.text)
            for (asset, state) in [
                ("hospital-a/scans", "In use"), ("hospital-b/scans", "Stopped"), ("lab/net", "No policy"),
            ] { #expect(rows.contains { $0.hasPrefix("\(asset)\(state)") }, "\(asset) in \(rows)") }
            #expect(rows.contains { $0.hasPrefix("lab/northNot every owner agrees0505") })
            // A statement that is no policy shows each of its members, beside those that it replaces.
            let alone = try Markup(try await ask(server, "/statements/\(first.hash)").text)
            #expect(alone.all("tr").contains { $0.text == "identity\(hex(world.config))" })
            let changed = try Markup(try await ask(server, "/statements/\(second.hash)").text)
            examine(changed, "statement")
            let changes = changed.all("tr").map(\.text)
            for change in [
                "identityThe same\(hex(world.config))\(hex(world.config))", "lineageChanged[][&quot;lab/older&quot;]",
                "policyChangedtraining",
            ] { #expect(changes.contains { $0.hasPrefix(change) }, "\(change) in \(changes)") }
        }
    }

    @Test func decisionsHaveTheirTrees() async throws {
        try await TestServer.run { server in
            _ = try await pages.establish(on: server)
            let entries = try server.manager.auditEntries(from: 0, count: 1_000)
            let list = try await ask(server, "/decisions").text
            let decided = entries.filter { [.release, .refusal, .revocation].contains($0.kind) }
            try #require(decided.map(\.kind) == [.release, .refusal, .revocation, .refusal])
            for entry in decided { #expect(list.contains("href=\"/audit/\(entry.index)\"")) }
            let release = try Markup(try await ask(server, "/audit/\(decided[0].index)").text)
            #expect(release.all("li").contains { $0.text.contains("policy[hospital-b/training]") })
            #expect(release.all("li").contains { $0.text.hasSuffix("simulated.report.signature") })
            for details in release.all("details") {
                // What was let pass is seen without opening anything.
                #expect((details.attributes["open"] != nil) == details.text.contains("Tolerated use.level"))
            }
            let refusal = try Markup(try await ask(server, "/audit/\(decided[3].index)").text)
            let open = refusal.all("details").filter { $0.attributes["open"] != nil }
            let failed = try #require(open.first { $0.text.hasPrefix("Failed asset[hospital-b/scans]") })
            #expect(failed.text.contains("Failed asset.stopped: expected no stop by hospital-b, found the asset scans"))
        }
    }

    /// A tree of thousands of checks leaves an entry that is short, and says what failed.
    @Test func theLogKeepsTreesShort() async throws {
        let world = pages.world
        try await TestServer.run { server in
            let client = try server.client()
            try await world.establish(with: client)
            let first = try world.policy("hospital-a").statement
            let many = try world.policy("hospital-a", sequence: 2, predecessor: first.hash) { yaml in
                let use = yaml[(yaml.range(of: "  - purpose")?.lowerBound ?? yaml.endIndex)...]
                yaml = yaml.replacing(use, with: "")
                for number in 0..<64 {
                    yaml += use.replacing("- purpose", with: "- name: use-\(number)\n    purpose")
                        .replacing("window: always", with: "window: { from: 2020-01-01, until: 2020-02-01 }")
                }
            }
            _ = try await client.submit(world.request(many.statement, source: many.source))
            await refusal(403, "use.window") { _ = try await world.exchange(with: client) }
            let entry = try #require(
                try server.manager.auditEntries(from: 0, count: 1_000).last { $0.kind == .refusal })
            let verdict = try #require(entry.detail["verdict"])
            #expect(verdict.encoded.count <= 8_192)
            func failures(_ finding: CanonicalJSON) -> [String] {
                (finding["outcome"]?.text == "failed" ? [finding["check"]?.text ?? ""] : [])
                    + (finding["parts"]?.entries ?? []).flatMap(failures)
            }
            #expect(failures(verdict) == ["", "policy[hospital-a/training]", "use[use-0]", "use.window"])
            func omitted(_ finding: CanonicalJSON) -> Int64 {
                (finding["omitted"]?.number ?? 0) + (finding["parts"]?.entries ?? []).reduce(0) { $0 + omitted($1) }
            }
            #expect(omitted(verdict) >= 63)
            #expect(
                try await ask(server, "/audit/\(entry.index)").text.contains("more checks, which the log leaves out"))
        }
    }

    @Test func anOlderMirrorIsToldOfInTheLog() async throws {
        let world = pages.world
        try await TestServer.run { server in
            let client = try server.client()
            try await world.establish(with: client)
            _ = try await world.exchange(with: client)
            _ = try await world.exchange(with: client, change: world.resumed(5))
            await refusal(403, "state.rollback") {
                _ = try await world.exchange(with: client, change: world.resumed(4))
            }
            let entry = try #require(
                try server.manager.auditEntries(from: 0, count: 1_000).last { $0.kind == .refusal })
            #expect(entry.detail["check"]?.text == "state.rollback")
            #expect(try await ask(server, "/decisions").text.contains("state.rollback"))
        }
    }

    @Test func theLogIsTurnedPageByPage() async throws {
        try await TestServer.run { server in
            _ = try await pages.establish(on: server)
            let size = try server.manager.auditHead().head.size
            #expect(size > 50)
            let first = try Markup(try await ask(server, "/audit").text)
            let rows = first.elements.compactMap { $0.attributes["data-entry"] }.compactMap { Int($0) }
            #expect(rows == Array((size - 50..<size).reversed()))
            let link = try #require(first.all("a").first { $0.attributes["rel"] == "next" }?.attributes["href"])
            #expect(link == "/audit?before=\(size - 50)")
            let second = try Markup(try await ask(server, link).text)
            let older = second.elements.compactMap { $0.attributes["data-entry"] }.compactMap { Int($0) }
            #expect(older == Array((0..<size - 50).reversed()))
            #expect(!second.all("a").contains { $0.attributes["rel"] == "next" })
            // Without a script it is the manager's word, and says so.
            #expect(second.all("noscript").count == 1)
            let state = try #require(second.elements.first { $0.attributes["id"] == "verification-state" })
            #expect(state.text.contains("This browser has verified nothing.") && state.attributes["role"] == "status")
        }
    }

    @Test func programsGetProblemsAndPeoplePages() async throws {
        try await TestServer.run { server in
            for (path, accept, type) in [
                ("/nothing", "text/html,*/*", "text/html; charset=utf-8"),
                ("/nothing", "*/*", "application/problem+json"),
                ("/v1/nothing", "text/html", "application/problem+json"),
            ] {
                let reply = try await ask(server, path, accept: accept)
                #expect(reply.status == 404 && reply.headers.first(name: "content-type") == type, "\(path)")
            }
        }
    }

    // MARK: - Who may read

    @Test func theTokenOpensThePagesForAWhile() async throws {
        let token = "0123456789abcdef%&+ ="
        try await TestServer.run(token: token) { server in
            let pending = try await pages.establish(on: server, token: token)
            for path in paths(pending).dropLast(2) {
                let reply = try await ask(server, path)
                #expect(reply.status == 303 && reply.headers["location"] == ["/login"], "\(path)")
                #expect(reply.text.isEmpty)
            }
            #expect(try await ask(server, "/", accept: "*/*").status == 401)
            for path in ["/login", "/style.css", "/verify.js", "/icon.svg"] {
                #expect(try await ask(server, path).status == 200)
            }
            let form = try Markup(try await ask(server, "/login").text)
            #expect(form.all("nav").isEmpty)
            #expect(form.all("input").map { $0.attributes["id"] } == ["token"])
            #expect(form.all("label").map { $0.attributes["for"] } == ["token"])
            for wrong in ["", "token=", "token=0123456789abcdef", "token=x&token=y", "other=1"] {
                let reply = try await ask(server, "/login", form: wrong)
                #expect([400, 403].contains(reply.status) && reply.headers["set-cookie"].isEmpty, "\(wrong)")
            }
            #expect(
                try await ask(server, "/login", headers: ["content-type": "application/json"], form: "").status == 415)
            let entered = try await ask(server, "/login", form: "token=0123456789abcdef%25%26%2B+%3D")
            #expect(entered.status == 303 && entered.headers["location"] == ["/"])
            let field = try #require(entered.headers["set-cookie"].first)
            #expect(
                field.hasPrefix("__Host-perun-reader=")
                    && field.hasSuffix("; Path=/; Max-Age=28800; Secure; HttpOnly; SameSite=Strict"))
            #expect(!field.contains("0123456789abcdef"))
            let cookie = String(field.prefix { $0 != ";" })
            // It opens what the token opens, which is reading.
            for path in ["/", "/audit", "/v1/audit/head", "/v1/assets"] {
                #expect(try await ask(server, path, headers: ["cookie": "a=b; \(cookie)"]).status == 200, "\(path)")
            }
            let value = cookie.dropFirst("__Host-perun-reader=".count)
            let parts = value.split(separator: ".")
            try #require(parts.count == 2)
            let later = (Int(parts[0]) ?? 0) + 1
            for forged in [
                "\(later).\(parts[1])", "\(parts[0]).", "\(parts[0])", "", "\(parts[0]).\(parts[1])0", "x.y",
            ] {
                let reply = try await ask(server, "/", headers: ["cookie": "__Host-perun-reader=\(forged)"])
                #expect(reply.status == 303, "\(forged)")
            }
            #expect(try await ask(server, "/", headers: ["cookie": "other=\(value)"]).status == 303)
            try await TestServer.run(token: token) { other in
                let reply = try await ask(other, "/", headers: ["cookie": cookie])
                #expect(reply.status == 303)
            }
            let left = try await ask(server, "/logout", form: "")
            #expect(left.status == 303 && left.headers["set-cookie"].first?.contains("=; Path=/; Max-Age=0;") == true)
            server.clock.advance(28_799)
            #expect(try await ask(server, "/", headers: ["cookie": cookie]).status == 200)
            server.clock.advance(1)
            #expect(try await ask(server, "/", headers: ["cookie": cookie]).status == 303)
        }
    }

    @Test func withoutATokenNobodyIsAskedForOne() async throws {
        try await TestServer.run { server in
            let page = try await ask(server, "/")
            let form = try await ask(server, "/login")
            #expect(page.status == 200 && form.status == 404)
        }
    }
}
