import PliniusPerunClient
import PliniusPolicyManager

extension ProblemDetails {
    /// A problem whose status says what kind it is.
    static func plain(_ status: Int, _ title: String, _ detail: String) -> ProblemDetails {
        ProblemDetails(title: title, status: status, detail: detail)
    }

    /// A part of a request that is not what it should be.
    static func malformed(_ check: String, expected: String, found: String) -> ProblemDetails {
        ProblemDetails(
            type: "urn:perun:problem:malformed", title: "Bad Request", status: 400,
            detail: "the check \(check) failed: expected \(expected), found \(found)", check: check, expected: expected,
            found: found)
    }

    /// What an error of the manager's says to whoever asked.
    init(_ error: ManagerError) {
        let (status, title) =
            switch error.code {
            case .malformed: (400, "Bad Request")
            case .forbidden: (403, "Forbidden")
            case .notFound: (404, "Not Found")
            case .conflict: (409, "Conflict")
            case .integrity: (422, "Unprocessable Content")
            case .limited: (429, "Too Many Requests")
            case .unavailable: (503, "Service Unavailable")
            }
        self.init(
            type: "urn:perun:problem:\(error.code.rawValue)", title: title, status: status, detail: error.message)
    }
}
