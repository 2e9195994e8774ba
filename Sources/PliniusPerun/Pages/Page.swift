import HTTPTypes
import PliniusPolicyManager
import PliniusVerifier

/// One page for owners, without what stands around all of them.
struct Page {
    /// The parts of the site, as the navigation has them.
    enum Section: String, CaseIterable {
        case overview, approvals, policies, assets, leases, decisions, audit

        var title: String {
            switch self {
            case .overview: "Overview"
            case .approvals: "Approvals"
            case .policies: "Policies"
            case .assets: "Assets"
            case .leases: "Leases"
            case .decisions: "Decisions"
            case .audit: "Audit log"
            }
        }

        var path: String { self == .overview ? "/" : "/\(rawValue)" }
    }

    var title: String
    var section: Section?
    /// Whether the log is verified in the browser.
    var verifies = false
    var content: HTML

    init(
        _ title: String, in section: Section? = nil, verifies: Bool = false, @HTMLBuilder _ content: () throws -> HTML
    ) rethrows {
        self.title = title
        self.section = section
        self.verifies = verifies
        self.content = try content()
    }

    /// What a page may do in a browser: take its style and its script from this server, ask this server, and nothing else.
    ///
    /// No string becomes markup there, and neither style nor script is written within the page.
    static let contentSecurityPolicy = [
        "default-src 'none'", "style-src 'self'", "script-src 'self'", "connect-src 'self'", "img-src 'self'",
        "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ].joined(separator: "; ")

    /// The headers of every page, beside those of every answer.
    static var headers: HTTPFields {
        var headers: HTTPFields = [.contentSecurityPolicy: contentSecurityPolicy]
        if let name = HTTPField.Name("cross-origin-opener-policy") { headers[name] = "same-origin" }
        return headers
    }

    func answer(in frame: PageFrame, status: HTTPResponse.Status = .ok) -> Answer {
        Answer(
            status: status, mediaType: "text/html; charset=utf-8",
            bytes: Array("<!DOCTYPE html>\n\(document(in: frame).markup)\n".utf8), headers: Self.headers)
    }

    private func document(in frame: PageFrame) -> HTML {
        tag("html", ["lang": "en"]) {
            tag("head") {
                emptyTag("meta", ["charset": "utf-8"])
                tag("title") { "\(title) – Perun" }
                emptyTag("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"])
                emptyTag("meta", ["name": "color-scheme", "content": "light dark"])
                emptyTag("link", ["rel": "stylesheet", "href": "/style.css"])
                emptyTag("link", ["rel": "icon", "href": "/icon.svg", "type": "image/svg+xml"])
                if verifies { tag("script", ["src": "/verify.js", "defer": ""]) {} }
            }
            tag("body") {
                tag("a", ["class": "skip", "href": "#main"]) { "Skip to the content" }
                tag("header", ["class": "top"]) {
                    tag("p", ["class": "brand"]) {
                        tag("strong") { "Perun" }
                        " "
                        tag("span") { "policy manager" }
                    }
                    if frame.isReading { navigation }
                    if frame.hasToken, frame.isReading {
                        tag("form", ["method": "post", "action": "/logout"]) {
                            tag("button", ["type": "submit"]) { "Leave" }
                        }
                    }
                }
                tag("main", ["id": "main", "tabindex": "-1"]) {
                    tag("h1") { title }
                    content
                }
                footer(frame)
            }
        }
    }

    private var navigation: HTML {
        tag("nav", ["aria-label": "Parts of this page"]) {
            tag("ul") {
                for other in Section.allCases {
                    tag("li") {
                        if other == section {
                            tag("a", ["href": other.path, "aria-current": "page"]) { other.title }
                        } else {
                            tag("a", ["href": other.path]) { other.title }
                        }
                    }
                }
            }
        }
    }

    private func footer(_ frame: PageFrame) -> HTML {
        tag("footer") {
            tag("p") {
                "What stands here is this manager’s own word, as of "
                HTML.time(frame.instant)
                ". Nothing can be stated on these pages: owners sign with the program "
                tag("code") { "perun" }
                ", and no key ever enters a browser."
            }
            tag("dl") {
                tag("dt") { "Key that signs the log (Ed25519)" }
                tag("dd") { HTML.hash(hexadecimal(frame.service)) }
            }
        }
    }
}

/// What stands around every page.
struct PageFrame: Sendable {
    /// The key that signs the log, 32 bytes.
    let service: [UInt8]
    let instant: Instant
    /// Whether reading needs the token.
    let hasToken: Bool
    /// Whether this reader may read.
    var isReading = true

    init(_ manager: PolicyManager, hasToken: Bool, isReading: Bool = true) {
        service = manager.store.vault.signer.publicKey
        instant = manager.instant
        self.hasToken = hasToken
        self.isReading = isReading
    }
}
