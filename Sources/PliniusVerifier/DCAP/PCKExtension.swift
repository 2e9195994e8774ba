import SwiftASN1

/// What a platform's certificate says of it: the extension 1.2.840.113741.1.13.1 (Intel SGX PCK certificate and CRL profile).
package struct PCKExtension: Hashable, Sendable {
    static let oid = "1.2.840.113741.1.13.1"

    /// The platform's identifier, PPID, 16 bytes.
    package let ppid: [UInt8]
    /// The SVNs of the 16 components that the processor's keys depend on.
    package let components: [UInt8]
    package let pceSVN: UInt16
    package let cpuSVN: [UInt8]
    /// 2 bytes.
    package let pceID: [UInt8]
    /// The family, 6 bytes.
    package let fmspc: [UInt8]

    /// Reads the extension's value.
    /// - Throws: the check that is named, if a field is absent, twice there, or of another length.
    package init(_ der: [UInt8], check: String) throws(EvidenceError) {
        let fields: [ASN1ObjectIdentifier: ASN1Node]
        var tcb: [ASN1ObjectIdentifier: ASN1Node] = [:]
        do {
            fields = try Self.table(DER.parse(der))
            if let node = try fields[Self.identifier([2])] { tcb = try Self.table(node) }
            var components: [UInt8] = []
            for index in 1...16 as ClosedRange<UInt> {
                components.append(try UInt8(derEncoded: Self.field([2, index], tcb)))
            }
            self.components = components
            pceSVN = try UInt16(derEncoded: Self.field([2, 17], tcb))
            cpuSVN = try Self.octets([2, 18], tcb, 16)
            ppid = try Self.octets([1], fields, 16)
            pceID = try Self.octets([3], fields, 2)
            fmspc = try Self.octets([4], fields, 6)
        } catch {
            throw EvidenceError(
                check, expected: "PPID, TCB, PCEID and FMSPC in the extension \(Self.oid)", found: "\(error)")
        }
    }

    /// What stands below the extension's own identifier.
    private static func identifier(_ path: [UInt]) throws -> ASN1ObjectIdentifier {
        try ASN1ObjectIdentifier(elements: [1, 2, 840, 113741, 1, 13, 1] + path)
    }

    /// A sequence of pairs of identifier and value.
    private static func table(_ node: ASN1Node) throws -> [ASN1ObjectIdentifier: ASN1Node] {
        let pairs = try DER.sequence(of: Pair.self, identifier: .sequence, rootNode: node)
        return try Dictionary(pairs.map { ($0.key, $0.value) }) { _, _ in
            throw Absence(what: "a field that is there twice")
        }
    }

    private static func field(_ path: [UInt], _ table: [ASN1ObjectIdentifier: ASN1Node]) throws -> ASN1Node {
        let identifier = try identifier(path)
        guard let node = table[identifier] else { throw Absence(what: "no field \(identifier)") }
        return node
    }

    private static func octets(
        _ path: [UInt], _ table: [ASN1ObjectIdentifier: ASN1Node], _ count: Int
    ) throws -> [UInt8] {
        let bytes = Array(try ASN1OctetString(derEncoded: field(path, table)).bytes)
        guard bytes.count == count else {
            throw Absence(what: "a field of \(bytes.count) bytes instead of \(count)")
        }
        return bytes
    }

    private struct Pair: DERParseable {
        var key: ASN1ObjectIdentifier
        var value: ASN1Node

        init(derEncoded node: ASN1Node) throws {
            self = try DER.sequence(node, identifier: .sequence) { nodes in
                let key = try ASN1ObjectIdentifier(derEncoded: &nodes)
                guard let value = nodes.next() else { throw Absence(what: "a field without a value") }
                return Pair(key: key, value: value)
            }
        }

        private init(key: ASN1ObjectIdentifier, value: ASN1Node) {
            self.key = key
            self.value = value
        }
    }

    private struct Absence: Error, CustomStringConvertible {
        var what: String
        var description: String { what }
    }
}
