import FoundationEssentials
import PliniusPerun
import PliniusPerunClient
import PliniusPolicy
import Testing
import Yams

/// The description of the service, held against the service.
@Suite("OpenAPI", .timeLimit(.minutes(30))) struct OpenAPITests {
    @Test func everyRouteIsDescribedAndEveryDescriptionHasARoute() async throws {
        try await TestServer.run { server in
            let document = try await OpenAPIDocument(server)
            let routes = server.server.operations.map { "\($0.method.lowercased()) \($0.path)" }
            #expect(Set(routes).count == routes.count)
            #expect(document.operations.sorted() == routes.sorted())
            // Each of them is there: whatever it says to nonsense, it is not that there is no such path or method.
            let client = try server.client()
            for (method, path) in server.server.operations {
                let place = path.replacing(/{[a-z]+}/, with: "x")
                var status: Int?
                do {
                    switch method {
                    case "GET": _ = try await client.get(place)
                    case "POST": _ = try await client.post(place, [String: String](), as: [String: String].self)
                    default: _ = try await client.put(place, [String: String](), as: [String: String].self)
                    }
                } catch let error as PerunClientError { status = error.status }
                #expect(status != 405 && status != 500, "\(method) \(path)")
                if let status, status == 404 { #expect(place != path, "\(method) \(path)") }
            }
        }
    }

    @Test func answersAreAsTheyAreDescribed() async throws {
        let world = TestWorld()
        try await TestServer.run { server in
            let document = try await OpenAPIDocument(server)
            let client = try server.client()
            try await world.establish(with: client)
            var enclave = world.enclave()
            let begun = try await client.challenge(world.challenge)
            try document.check(begun, as: "ChallengeAnswer")
            try document.check(world.challenge, as: "ChallengeRequest")
            let frame = try enclave.answer(begun.challenge.bytes)
            let request = AttestationRequest(cookie: begun.cookie, presentation: Base64(frame))
            try document.check(request, as: "AttestationRequest")
            let judged = try await client.attest(request)
            try document.check(judged, as: "AttestationAnswer")
            let answer = try await client.release(ReleaseRequest(result: judged.result))
            try document.check(answer, as: "ReleaseAnswer")
            try document.check(try world.request(world.founding("lab")), as: "StatementRequest")
            do {
                _ = try await world.exchange(with: client)
            } catch let error as PerunClientError { try document.check(try #require(error.problem), as: "Problem") }
            let hash = try world.policy("lab").statement.hash
            let paths = [
                "/v1/statements/{hash}": "/v1/statements/\(hash)", "/v1/pending": nil, "/v1/namespaces": nil,
                "/v1/policies": nil, "/v1/policies/{namespace}/{name}": "/v1/policies/lab/training",
                "/v1/policies/{namespace}/{name}/explain": "/v1/policies/lab/training/explain", "/v1/assets": nil,
                "/v1/leases": nil, "/v1/standbys": nil, "/v1/audit/head": nil,
                "/v1/audit/proofs/{index}": "/v1/audit/proofs/1?size=5",
                "/v1/audit/consistency": "/v1/audit/consistency?from=3&to=9",
                "/v1/attestation": "/v1/attestation?nonce=" + String(repeating: "a", count: 64), "/v1/health": nil,
            ]
            for (path, place) in paths {
                try document.check(json: try await client.get(place ?? path), answering: path)
            }
        }
    }

    @Test func theWalkerFindsWhatDoesNotFit() throws {
        let document = try OpenAPIDocument(
            yaml: """
                paths: {}
                components:
                  schemas:
                    A: { type: object, required: [b], properties: { b: { type: string, pattern: "^[0-9]+$" }, c: { type: array, items: { type: integer } } } }
                """)
        let good = Data(#"{"b": "12", "c": [1, 2]}"#.utf8)
        #expect(try document.faults(in: good, as: "A").isEmpty)
        for bad in [
            #"{"c": []}"#, #"{"b": "x"}"#, #"{"b": 1}"#, #"{"b": "1", "c": ["x"]}"#, #"{"b": "1", "d": 1}"#, "[]",
        ] {
            #expect(try !document.faults(in: Data(bad.utf8), as: "A").isEmpty, "\(bad)")
        }
    }
}

/// As much of OpenAPI 3.1 as the service's description uses.
struct OpenAPIDocument {
    private let root: Node

    init(yaml: String) throws { root = try #require(try compose(yaml: yaml)) }

    init(_ server: TestServer) async throws {
        try self.init(yaml: String(decoding: try await server.client().get("/openapi.yaml"), as: UTF8.self))
    }

    /// `get /v1/health` for each.
    var operations: [String] {
        let paths = root.member("paths")?.mapping ?? [:]
        return paths.flatMap { path, methods in
            (methods.mapping ?? [:]).map { "\($0.key.string ?? "") \(path.string ?? "")" }
        }
    }

    func check(
        _ message: some Encodable, as name: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let faults = try faults(in: try JSONEncoder().encode(message), as: name)
        #expect(faults.isEmpty, "\(name): \(faults)", sourceLocation: sourceLocation)
    }

    /// Holds an answer to GET against the schema of its path.
    func check(json: [UInt8], answering path: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let content = root.member("paths", path, "get", "responses", "200", "content")
        let schema = try #require(content?.member("application/json", "schema"), sourceLocation: sourceLocation)
        let value = try JSONDecoder().decode(JSONTree.self, from: Data(json))
        let faults = faults(in: value, schema, at: path)
        #expect(faults.isEmpty, "\(faults)", sourceLocation: sourceLocation)
    }

    func faults(in json: Data, as name: String) throws -> [String] {
        let schema = try #require(root.member("components", "schemas", name), "\(name)")
        return faults(in: try JSONDecoder().decode(JSONTree.self, from: json), schema, at: name)
    }

    private func faults(in value: JSONTree, _ schema: Node, at place: String) -> [String] {
        if let reference = schema.member("$ref")?.string {
            let parts = reference.split(separator: "/").dropFirst()
            let target = parts.reduce(Optional(root)) { $0?.member(String($1)) }
            return target.map { faults(in: value, $0, at: place) } ?? ["\(place): no \(reference)"]
        }
        switch (schema.member("type")?.string, value) {
        case ("object", .object(let members)): return faults(in: members, schema, at: place)
        case ("array", .array(let items)):
            if let most = schema.member("maxItems")?.int, items.count > most {
                return ["\(place): \(items.count) items"]
            }
            return items.enumerated().flatMap { index, item in
                schema.member("items").map { faults(in: item, $0, at: "\(place)[\(index)]") } ?? []
            }
        case ("string", .string(let text)):
            if let values = schema.member("enum")?.array(of: String.self), !values.contains(text) {
                return ["\(place): \(text) is none of \(values)"]
            }
            guard let pattern = schema.member("pattern")?.string else { return [] }
            let expression = try? Regex(pattern)
            return expression.flatMap { try? $0.wholeMatch(in: text) } == nil ? ["\(place): \(text)"] : []
        case ("integer", .integer(let number)):
            return schema.member("minimum")?.int.map { number < $0 } == true ? ["\(place): \(number)"] : []
        case ("boolean", .bool): return []
        case (let type, _): return ["\(place): \(value) is no \(type ?? "value")"]
        }
    }

    private func faults(in members: [String: JSONTree], _ schema: Node, at place: String) -> [String] {
        let required = Set(schema.member("required")?.array(of: String.self) ?? [])
        var faults = required.subtracting(members.keys).sorted().map { "\(place): no \($0)" }
        for (name, member) in members {
            // The service says nothing that is not described, whatever the rules of JSON Schema allow.
            if let property = schema.member("properties", name) ?? schema.member("additionalProperties") {
                faults += self.faults(in: member, property, at: "\(place).\(name)")
            } else {
                faults.append("\(place): \(name), which is not described")
            }
        }
        return faults
    }
}

extension Node {
    /// What stands under keys, whatever kind of value YAML takes them for.
    fileprivate func member(_ path: String...) -> Node? {
        path.reduce(Optional(self)) { node, name in node?.mapping?.first { $0.key.scalar?.string == name }?.value }
    }
}

/// Any JSON.
enum JSONTree: Decodable {
    case object([String: JSONTree])
    case array([JSONTree])
    case string(String)
    case integer(Int)
    case bool(Bool)
    case other

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int.self) {
            self = .integer(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONTree].self) {
            self = .array(value)
        } else if let value = try? container.decode([String: JSONTree].self) {
            self = .object(value)
        } else {
            self = .other
        }
    }
}
