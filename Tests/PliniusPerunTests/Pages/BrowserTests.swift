import Foundation
import PliniusPerun
import PliniusPerunClient
import PliniusPolicy
import PliniusPolicyManager
import Testing

/// What a real browser makes of the pages.
@Suite("Pages in a browser", .serialized, .enabled(if: Browser.isThere, Browser.reason), .timeLimit(.minutes(30)))
struct BrowserTests {
    let pages = PageWorld()

    private func run(
        token: String? = nil, _ body: (TestServer, Browser, PageWorld.Pending) async throws -> Void
    ) async throws {
        // Tests ask for more pages at once than people do.
        var limits = TestServer.limits
        limits.burst = 10_000
        try await TestServer.run(limits: limits, token: token) { server in
            let pending = try await pages.establish(on: server, token: token)
            try await Browser.run(believing: server.keyDigest) { browser in try await body(server, browser, pending) }
        }
    }

    private let result = "document.getElementById('verification').dataset.result"

    /// The checks that the script tells of, a line each.
    private func checks(_ browser: Browser) async throws -> [String] {
        try await browser.wait(for: "\(result) !== undefined")
        let text = try await browser.evaluate(
            "[...document.querySelectorAll('#verification-checks li')].map((item) => item.textContent).join('\\n')")
        return text.split(separator: "\n").map(String.init)
    }

    // MARK: - Reading

    @Test func pagesRenderAndAskNobodyElse() async throws {
        try await run { server, browser, pending in
            let origin = "https://\(server.address)/"
            for (path, heading) in [
                ("", "Overview"), ("approvals", "Approvals"), ("policies", "Policies"),
                ("policies/hospital-a/training", "Policy hospital-a/training"), ("assets", "Assets"),
                ("leases", "Leases"),
                ("decisions", "Decisions"), ("audit", "Audit log"), ("audit/36", "Entry 36: release"),
                ("statements/\(pending.hash)", "Policy training of clinic"),
            ] {
                try await browser.go(to: origin + path)
                #expect(try await browser.evaluate("document.querySelector('h1').textContent") == heading)
                if path == "audit" { _ = try await checks(browser) }
                #expect(!browser.requests.isEmpty && browser.requests.allSatisfy { $0.hasPrefix(origin) })
                #expect(browser.complaints.isEmpty, "\(path): \(browser.complaints)")
                // Nobody's text has become markup.
                #expect(try await browser.evaluate("document.images.length") == "0")
                #expect(try await browser.evaluate("document.title").hasSuffix(" – Perun"))
                #expect(try await browser.evaluate("getComputedStyle(document.body).margin") == "0px")
            }
            try await browser.go(to: origin + "approvals")
            let article = try await browser.evaluate("document.querySelector('article').innerText")
            #expect(article.contains("perun policy approve \(pending.hash)") && article.contains("uses[train].runs"))
            // The hash is shown in groups, and copied whole.
            #expect(
                try await browser.evaluate("document.querySelector('article .hash').textContent") == "\(pending.hash)")
        }
    }

    @Test func helpersFindTheirWay() async throws {
        try await run { server, browser, _ in
            try await browser.go(to: "https://\(server.address)/approvals")
            let tree = try #require(
                try JSONSerialization.jsonObject(with: await browser.call("Accessibility.getFullAXTree"))
                    as? [String: Any])
            let roles = try #require(tree["nodes"] as? [[String: Any]]).compactMap { node -> String? in
                guard node["ignored"] as? Bool != true else { return nil }
                return (node["role"] as? [String: Any])?["value"] as? String
            }
            for role in ["banner", "navigation", "main", "contentinfo", "article", "region", "table", "columnheader"] {
                #expect(roles.contains(role), "\(role) in \(Set(roles))")
            }
            // The first stop leads past the navigation, then come its links, then the content in its order.
            var stops: [String] = []
            for _ in 0..<12 {
                try await browser.press("Tab", code: 9)
                stops.append(
                    try await browser.evaluate(
                        "document.activeElement.getAttribute('href') ?? document.activeElement.ariaLabel ?? document.activeElement.tagName"
                    ))
            }
            #expect(
                stops.prefix(8) == [
                    "#main", "/", "/approvals", "/policies", "/assets", "/leases", "/decisions", "/audit",
                ])
            #expect(stops[8].hasPrefix("/statements/") && stops.contains("Command that agrees"))
            #expect(stops.contains("SUMMARY"))
            // What has the focus is seen to have it.
            #expect(try await browser.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid")
            try await browser.go(to: "https://\(server.address)/approvals")
            try await browser.press("Tab", code: 9)
            #expect(try await browser.evaluate("document.activeElement.getBoundingClientRect().left >= 0") == "true")
            try await browser.press("Enter", code: 13)
            try await browser.wait(for: "document.activeElement.id === 'main'")
        }
    }

    @Test func pagesFitNarrowWindowsAndBothSchemes() async throws {
        try await run { server, browser, pending in
            _ = try await browser.call(
                "Emulation.setDeviceMetricsOverride",
                ["width": 320, "height": 640, "deviceScaleFactor": 1, "mobile": false])
            for path in ["", "approvals", "assets", "audit", "audit/36", "policies/hospital-a/training"] {
                try await browser.go(to: "https://\(server.address)/\(path)")
                let width = try await browser.evaluate("document.documentElement.scrollWidth")
                #expect((Int(width) ?? .max) <= 320, "\(path)")
            }
            var grounds: Set<String> = []
            for scheme in ["light", "dark"] {
                try await browser.prefer(scheme)
                grounds.insert(try await browser.evaluate("getComputedStyle(document.body).backgroundColor"))
            }
            #expect(grounds == ["rgb(246, 247, 248)", "rgb(17, 22, 28)"])
        }
    }

    @Test func everythingIsReadWithoutScripts() async throws {
        try await run { server, browser, _ in
            try await browser.allowScripts(false)
            try await browser.go(to: "https://\(server.address)/audit")
            let text = try await browser.evaluate("document.getElementById('verification').innerText")
            #expect(text.contains("The manager’s word") && text.contains("With JavaScript this browser verifies"))
            #expect(try await browser.evaluate("document.querySelectorAll('tr[data-entry]').length") == "50")
            #expect(!browser.requests.contains { $0.contains("/v1/") })
        }
    }

    // MARK: - Verifying

    @Test func aGoodLogIsVerifiedAndRemembered() async throws {
        try await run { server, browser, _ in
            let audit = "https://\(server.address)/audit"
            try await browser.go(to: audit)
            let first = try await checks(browser)
            #expect(try await browser.evaluate(result) == "verified")
            let head = try server.manager.auditHead().head
            let words = [
                "Signature holds", "Chain holds", "Tree holds", "Page the 50 entries", "History this browser has",
            ]
            try #require(first.count == words.count, "\(first)")
            for (check, word) in zip(first, words) { #expect(check.hasPrefix(word)) }
            #expect(first[0].contains(hex(head.service)) && first[2].contains(hex(head.root)))
            let state = try await browser.evaluate("document.getElementById('verification-state').textContent")
            #expect(state.hasPrefix("Verified by this browser \(head.size) entries"))
            // The log grows; the next visit finds the beginning that it knows.
            let client = try server.client()
            let stop = pages.world.statement("hospital-a", .stop(.init(.namespace, reason: "a reason")))
            _ = try await client.submit(pages.world.request(stop))
            try await browser.go(to: audit + "?before=3")
            #expect(
                try await checks(browser).last
                    == "History holds: the log begins with the \(head.size) entries that this browser verified before.")
            // Other beginnings are found out.
            for (kept, word) in [
                (
                    ["service": hex(head.service), "root": hex(head.last), "size": head.size] as [String: Any],
                    "are not those"
                ),
                (["service": hex(head.service), "root": hex(head.root), "size": 10_000], "10000 entries before"),
                (["service": hex(head.root), "root": hex(head.root), "size": head.size], "another key"),
            ] {
                let json = String(decoding: try JSONSerialization.data(withJSONObject: kept), as: UTF8.self)
                try await browser.evaluate("localStorage.setItem('perun-head', '\(json)')")
                try await browser.go(to: audit)
                let last = try await checks(browser).last
                #expect(last?.hasPrefix("Failed ") == true && last?.contains(word) == true, "\(last ?? "nothing")")
                #expect(try await browser.evaluate(result) == "failed")
            }
        }
    }

    /// What an answer, or a page, is changed to on its way, and what the script says of it.
    private static let changes: [(change: String, says: String)] = [
        (
            answer("entries", #"replace('"kind":"refusal"', '"kind":"release"')"#),
            "entry 39 does not name the entry before it"
        ),
        (answer("entries", #"replace('"actor":"service"', '"actor":"servant"')"#), "entry 1 does not name"),
        (answer("entries", #"replace(/\n[^\n]*\n$/, '\n')"#), "were asked for"),
        (
            answer("entries", #"replace(/"kind":"refusal"(?![^]*"kind":"refusal")/, '"kind":"release"')"#),
            "the last entry is not the one"
        ),
        (
            answer("entries", #"replace(/^[^\n]*\n/, (line) => line + line).replace(/\n[^\n]*\n$/, '\n')"#),
            "entry 1 says that it is entry 0"
        ),
        (answer("entries", "replace('{', '[')"), "is not of the form"),
        (answer("entries", #"replace('"refusal"', 'refusal')"#), "entry 38 is no JSON"),
        (answer("head", #"replace(/"root":"../, '"root":"00')"#), "the signature under the head does not hold"),
        (
            answer("head", #"replace(/"signature":"../, '"signature":"00')"#),
            "the signature under the head does not hold"
        ),
        (answer("head", #"replace(/"size":\d+/, '"size":3')"#), "the signature under the head does not hold"),
        (answer("head", #"replace('"size"', '"sice"')"#), "the head lacks"),
        (row("subject", "lab/other#night"), "this page shows another subject of entry"),
        (row("time", "2027-01-15 08:00:01 UTC"), "this page shows another time of entry"),
        (row("kind", "release"), "this page shows another kind of entry"),
        (row("actor", "nobody"), "this page shows another actor of entry"),
        (row("hash", "000000000000…"), "this page shows another hash of entry"),
        (onLoad("tr[data-entry] th", "textContent = '7'"), "this page numbers entry"),
        (onLoad("tr[data-entry]", "dataset.entry = '9999'"), "this page shows entries that the log does not have"),
    ]

    private static func answer(_ path: String, _ change: String) -> String {
        """
        const real = window.fetch;
        window.fetch = async (place, options) => {
          const answer = await real(place, options);
          if (!place.startsWith("/v1/audit/\(path)")) return answer;
          return new Response((await answer.text()).\(change), { status: 200 });
        };
        """
    }

    private static func row(_ field: String, _ text: String) -> String {
        onLoad("tr[data-entry] td[data-field=\(field)]", "textContent = '\(text)'")
    }

    /// Changes the page before its script runs.
    private static func onLoad(_ selector: String, _ change: String) -> String {
        """
        document.addEventListener("readystatechange", () => {
          if (document.readyState === "interactive") document.querySelector("\(selector)").\(change);
        });
        """
    }

    @Test func everyChangeOfTheLogIsFound() async throws {
        try await run { server, browser, _ in
            for (change, says) in Self.changes {
                try await beginning(browser, with: change) {
                    try await browser.go(to: "https://\(server.address)/audit")
                    let last = try await checks(browser).last ?? "nothing"
                    #expect(last.hasPrefix("Failed ") && last.contains(says), "\(last), of \(change)")
                    #expect(try await browser.evaluate(result) == "failed")
                    #expect(try await browser.evaluate("localStorage.getItem('perun-head')") == "null")
                }
            }
        }
    }

    @Test func whatWasNotCheckedIsSaid() async throws {
        try await run { server, browser, _ in
            let without = """
                crypto.subtle.importKey = async () => { throw new DOMException("no such algorithm", "NotSupportedError"); };
                """
            let silent = "window.fetch = async () => new Response('', { status: 500 });"
            let busy = """
                const real = window.fetch;
                let calls = 0;
                window.fetch = async (place, options) => (calls += 1) === 1
                  ? new Response("", { status: 429, headers: { "retry-after": "1" } }) : real(place, options);
                """
            for (script, expected, says) in [
                (without, "unsigned", "Signature not checked: this browser has no Ed25519."),
                (silent, "unchecked", "Stopped /v1/audit/head was answered with 500"),
                (busy, "verified", "Chain holds"),
            ] {
                try await beginning(browser, with: script) {
                    try await browser.go(to: "https://\(server.address)/audit")
                    #expect(try await checks(browser).contains { $0.hasPrefix(says) })
                    #expect(try await browser.evaluate(result) == expected)
                }
            }
        }
    }

    /// Has pages begin with a script of the test's.
    private func beginning(_ browser: Browser, with script: String, _ body: () async throws -> Void) async throws {
        let answer = try await browser.call("Page.addScriptToEvaluateOnNewDocument", ["source": script])
        let object = try #require(try JSONSerialization.jsonObject(with: answer) as? [String: Any])
        let id = try #require(object["identifier"] as? String)
        try await body()
        _ = try await browser.call("Page.removeScriptToEvaluateOnNewDocument", ["identifier": id])
    }

    // MARK: - The token

    @Test func theTokenIsShownOnce() async throws {
        let token = "0123456789abcdef%&+ ="
        try await run(token: token) { server, browser, _ in
            let origin = "https://\(server.address)"
            func enter(_ text: String) async throws {
                try await browser.evaluate("document.getElementById('token').value = '\(text)'")
                try await browser.click("button")
            }
            try await browser.go(to: origin + "/audit")
            #expect(try await browser.evaluate("location.pathname") == "/login")
            try await enter("something else")
            try await browser.wait(for: "document.querySelector('[role=alert]') !== null")
            #expect(
                try await browser.evaluate("document.activeElement.tagName + document.getElementById('token').value")
                    == "BODY")
            try await enter(token)
            try await browser.wait(for: "location.pathname === '/' && document.readyState === 'complete'")
            #expect(try await browser.evaluate("document.cookie") == "")
            try await browser.go(to: origin + "/audit")
            _ = try await checks(browser)
            #expect(try await browser.evaluate(result) == "verified")
            try await browser.click("header button")
            try await browser.wait(for: "location.pathname === '/login' && document.readyState === 'complete'")
            try await browser.go(to: origin + "/leases")
            #expect(try await browser.evaluate("location.pathname") == "/login")
        }
    }
}
