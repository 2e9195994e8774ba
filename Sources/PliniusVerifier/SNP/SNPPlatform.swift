import SwiftASN1

/// A line of AMD's server processors, each with its own root key.
public enum SNPProduct: String, Hashable, Sendable, CaseIterable {
    case milan = "Milan"
    case genoa = "Genoa"
    case turin = "Turin"

    /// The line that a processor belongs to; Bergamo and Siena are Genoa's.
    init?(_ processor: SNPProcessor) {
        switch (processor.family, processor.model) {
        case (0x19, 0x00...0x0F): self = .milan
        case (0x19, 0x10...0x1F), (0x19, 0xA0...0xAF): self = .genoa
        case (0x1A, 0x00...0x1F): self = .turin
        default: return nil
        }
    }

    /// The line that a certificate's product name begins with: `Milan-B0`.
    init?(name: String) {
        guard let product = name.split(separator: "-", omittingEmptySubsequences: false).first.map(String.init) else {
            return nil
        }
        self.init(rawValue: product)
    }

    /// The length of a chip's identifier, in bytes.
    var chipIDByteCount: Int { self == .turin ? 8 : 64 }
}

/// Which processor made a report, as CPUID tells.
public struct SNPProcessor: Hashable, Sendable, CustomStringConvertible {
    /// Family and extended family.
    public var family: UInt8
    /// Model and extended model.
    public var model: UInt8
    public var stepping: UInt8

    public init(family: UInt8, model: UInt8, stepping: UInt8) {
        self.family = family
        self.model = model
        self.stepping = stepping
    }

    public var description: String {
        "family 0x\(String(family, radix: 16)), model 0x\(String(model, radix: 16)), stepping \(stepping)"
    }
}

/// A part of the platform that everything rests on, with a version of its own.
public enum SNPComponent: String, Hashable, Sendable, CaseIterable {
    /// Turin's first loader.
    case fmc
    case bootloader
    case tee
    case snp
    case microcode

    /// The byte of a TCB version that holds this one's, `nil` if a product line has none.
    func offset(_ product: SNPProduct) -> Int? {
        switch self {
        case .fmc: product == .turin ? 0 : nil
        case .bootloader: product == .turin ? 1 : 0
        case .tee: product == .turin ? 2 : 1
        case .snp: product == .turin ? 3 : 6
        case .microcode: 7
        }
    }

    /// The extension of a chip's or loaded key's certificate that says the version it is for (AMD 57230, table "Certificate extensions").
    var certificateExtension: String {
        switch self {
        case .bootloader: "1.3.6.1.4.1.3704.1.3.1"
        case .tee: "1.3.6.1.4.1.3704.1.3.2"
        case .snp: "1.3.6.1.4.1.3704.1.3.3"
        case .microcode: "1.3.6.1.4.1.3704.1.3.8"
        case .fmc: "1.3.6.1.4.1.3704.1.3.9"
        }
    }
}

/// The versions of what a platform rests on, as reports hold them: eight bytes, of which the product line tells what each is.
public struct SNPTCB: Hashable, Sendable, CustomStringConvertible {
    public var rawValue: UInt64

    public init(_ rawValue: UInt64) { self.rawValue = rawValue }

    /// A component's version, `nil` if the product line has none.
    public subscript(component: SNPComponent, product: SNPProduct) -> UInt8? {
        component.offset(product).map { UInt8(truncatingIfNeeded: rawValue >> ($0 * 8)) }
    }

    public var description: String { "0x\(String(rawValue, radix: 16))" }
}

/// What a certificate says of the platform whose key it certifies.
struct SNPCertificateFields {
    let product: SNPProduct?
    let productName: String
    /// Which components it is for, with their versions.
    let versions: [SNPComponent: UInt8]
    /// The chip, if it is one's.
    let chipID: [UInt8]?
    /// The cloud that the key was loaded for, if it was.
    let cloud: String?

    init(_ certificate: ParsedCertificate) {
        let name = certificate.extension("1.3.6.1.4.1.3704.1.2")
            .flatMap { try? ASN1IA5String(derEncoded: $0.value) }
            .map { String($0) }
        productName = name ?? "none"
        product = name.flatMap { SNPProduct(name: $0) }
        var versions: [SNPComponent: UInt8] = [:]
        for component in SNPComponent.allCases {
            versions[component] = certificate.extension(component.certificateExtension)
                .flatMap { try? Int(derEncoded: $0.value) }.flatMap { UInt8(exactly: $0) }
        }
        self.versions = versions
        cloud = certificate.extension("1.3.6.1.4.1.3704.1.5")
            .flatMap { try? ASN1IA5String(derEncoded: $0.value) }.map { String($0) }
        chipID = certificate.extension("1.3.6.1.4.1.3704.1.4").map { `extension` in
            // Some are wrapped once more, others are the bare bytes.
            let count = `extension`.value.count
            let isWrapped = (count == 10 || count == 66) && `extension`.value.starts(with: [4, UInt8(count - 2)])
            return isWrapped ? Array(`extension`.value.dropFirst(2)) : `extension`.value
        }
    }

    /// Whether a report's TCB is the one that the key is for; a component that the product line has must be there.
    func matches(_ tcb: SNPTCB, _ product: SNPProduct) -> Bool {
        SNPComponent.allCases.allSatisfy { versions[$0] == tcb[$0, product] || tcb[$0, product] == nil }
    }

    /// Whether a report's chip is the one that the key is of: the identifier, and zeros after it.
    func matches(chipID: [UInt8], _ product: SNPProduct) -> Bool {
        guard let own = self.chipID, own.count == product.chipIDByteCount else { return false }
        return chipID.starts(with: own) && chipID.dropFirst(own.count).allSatisfy { $0 == 0 }
    }
}
