extension Page {
    /// Asks for the token for reading.
    static func login(hasFailed: Bool = false) -> Page {
        Page("Reading needs a token") {
            tag("p") {
                "This manager lists nothing to strangers. Whoever runs it hands out a token for reading; it states nothing."
            }
            if hasFailed {
                tag("p", ["role": "alert", "id": "login-error"]) {
                    HTML.state("Refused", .bad)
                    " That is not the token."
                }
            }
            tag("form", ["method": "post", "action": "/login", "class": "login"]) {
                tag("label", ["for": "token"]) { "Token for reading" }
                if hasFailed {
                    emptyTag(
                        "input",
                        [
                            "id": "token", "name": "token", "type": "password", "autocomplete": "current-password",
                            "required": "", "aria-invalid": "true", "aria-describedby": "login-error",
                        ])
                } else {
                    emptyTag(
                        "input",
                        [
                            "id": "token", "name": "token", "type": "password", "autocomplete": "current-password",
                            "required": "",
                        ])
                }
                tag("button", ["type": "submit"]) { "Read" }
            }
        }
    }

    /// Why there is nothing to be seen.
    static func failure(_ title: String, _ detail: String, request: String?) -> Page {
        Page(title) {
            tag("p", ["role": "alert"]) { detail }
            if let request {
                tag("p") {
                    "The manager’s log knows this request as "
                    tag("code") { request }
                    "."
                }
            }
            tag("p") { tag("a", ["href": Section.overview.path]) { "Go to the overview" } }
        }
    }
}
