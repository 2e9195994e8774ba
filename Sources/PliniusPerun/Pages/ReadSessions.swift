import Crypto
import FoundationEssentials
import PliniusVerifier

/// Lets a browser go on reading that has shown the token for reading once, without keeping the token in the browser.
///
/// What the browser keeps is an instant and an authentication code over it, under a key that ends with this start of the server. It opens
/// what the token opens, and no more: reading.
struct ReadSessions: Sendable {
    /// How long a browser may read, in seconds.
    static let life: Int64 = 8 * 3_600
    /// The prefix has browsers take it from this host only, over TLS.
    static let cookie = "__Host-perun-reader"

    private let token: String
    private let key = SymmetricKey(size: .bits256)

    init(token: String) { self.token = token }

    /// Whether that is the token; the time tells nothing of how much of it is right.
    func isToken(_ text: String) -> Bool {
        HMAC<SHA256>.isValidAuthenticationCode(
            Data(HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: key)), authenticating: Data(token.utf8),
            using: key)
    }

    /// The header field that has a browser keep a new session.
    func begun(at now: Instant) -> String {
        let until = "\(now.seconds + Self.life)"
        return Self.field("\(until).\(hexadecimal(code(until)))", age: Self.life)
    }

    /// The header field that has a browser forget its session.
    static var ended: String { field("", age: 0) }

    /// Whether the cookies of a request have a session that goes on.
    func goesOn(_ cookies: String, at now: Instant) -> Bool {
        cookies.split(separator: ";").contains { pair in
            let parts = pair.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, parts[0] == Self.cookie else { return false }
            let value = parts[1].split(separator: ".").map(String.init)
            guard value.count == 2, let until = Int64(value[0]), until > now.seconds,
                let given = try? hexadecimal(value[1], count: SHA256.byteCount, "session")
            else { return false }
            return HMAC<SHA256>.isValidAuthenticationCode(given, authenticating: Self.message(value[0]), using: key)
        }
    }

    private func code(_ until: String) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Self.message(until), using: key))
    }

    private static func message(_ until: String) -> Data { Data("perun/1/reader\0\(until)".utf8) }

    private static func field(_ value: String, age: Int64) -> String {
        "\(cookie)=\(value); Path=/; Max-Age=\(age); Secure; HttpOnly; SameSite=Strict"
    }
}
