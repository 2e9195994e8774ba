import PliniusPerun
import Testing

@Suite("Addresses to listen on") struct AddressTests {
    @Test func areReadAsTheyAreWritten() {
        #expect(PerunServer.Address("127.0.0.1:8443") == .init(host: "127.0.0.1", port: 8443))
        #expect(PerunServer.Address("[::1]:0") == .init(host: "::1", port: 0))
        #expect(PerunServer.Address("localhost:65535") == .init(host: "localhost", port: 65_535))
        for text in ["", ":1", "host", "host:", "host:65536", "host:-1", "::1:80", "[::1]", "host:8x"] {
            #expect(PerunServer.Address(text) == nil, "\(text)")
        }
    }
}
