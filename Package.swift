// swift-tools-version: 6.3
// The manifest is where the walls between the rings stand; docs/architecture.md gives the reasons.

import PackageDescription

// MARK: - Settings

/// Every target.
let language: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("ImmutableWeakCaptures"),
    .treatAllWarnings(as: .error),
]

/// Core and keyholders: every unsafe expression is marked.
let trusted = language + [.strictMemorySafety()]

let shim: [CSetting] = [.define("_GNU_SOURCE"), .unsafeFlags(["-Wall", "-Wextra", "-Werror"])]

// MARK: - Rings

enum Ring {
    /// Inside the TEE: holds keys, plaintext records, weights.
    case core
    /// On an owner's machine: holds keys, parses foreign formats.
    case keyholder
    /// Anywhere but in the enclave: handles what everybody may see, and keeps no wall itself.
    case open
    /// On the untrusted training host: sees ciphertext and public events.
    case outer
    /// On developers' machines.
    case testing
}

struct Module {
    var name: String
    var ring: Ring
    var uses: [String] = []
    var products: [Target.Dependency] = []
    var executable = false
}

let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let cryptoExtras = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")
let certificates = Target.Dependency.product(name: "X509", package: "swift-certificates")
let asn1 = Target.Dependency.product(name: "SwiftASN1", package: "swift-asn1")
let yaml = Target.Dependency.product(name: "Yams", package: "Yams")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let database = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let webServer = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let webServerTLS = Target.Dependency.product(name: "HummingbirdTLS", package: "hummingbird")
let webClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let tls = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

let modules: [Module] = [
    // MARK: Core, from the ground up
    Module(name: "_PliniusSupport", ring: .core),
    Module(name: "PliniusMedia", ring: .core, uses: ["CPliniusPM", "_PliniusSupport"]),
    Module(name: "PliniusSealing", ring: .core, uses: ["CIPSecMB", "_PliniusSupport"], products: [crypto]),
    Module(name: "PliniusNN", ring: .core, uses: ["_PliniusSupport"]),
    Module(name: "PliniusOneDNN", ring: .core, uses: ["COneDNN", "PliniusNN", "_PliniusSupport"]),
    Module(
        name: "PliniusMirror", ring: .core,
        uses: ["PliniusMedia", "PliniusNN", "PliniusSealing", "_PliniusSupport"]),
    Module(name: "PliniusWire", ring: .core, uses: ["_PliniusSupport"]),
    Module(
        name: "PliniusTPM", ring: .core, uses: ["CTSS2", "PliniusSealing", "PliniusWire", "_PliniusSupport"]),
    Module(
        name: "PliniusAttester", ring: .core, uses: ["PliniusSealing", "PliniusTPM", "PliniusWire", "_PliniusSupport"]),
    Module(
        name: "PliniusEnclave", ring: .core,
        uses: [
            "CPliniusPM", "PliniusAttester", "PliniusMedia", "PliniusMirror", "PliniusNN", "PliniusOneDNN",
            "PliniusSealing", "PliniusWire", "_PliniusSupport",
        ]),
    Module(name: "plinius-enclave", ring: .core, uses: ["PliniusEnclave"], executable: true),

    // MARK: Open
    Module(name: "PliniusPersistence", ring: .open, uses: ["PliniusMedia", "_PliniusSupport"]),
    Module(name: "PliniusPoolTools", ring: .open, uses: ["PliniusPersistence"]),
    Module(name: "PliniusRuns", ring: .open, uses: ["PliniusPersistence"]),
    Module(name: "PliniusSockets", ring: .open),
    Module(name: "PliniusPerunClient", ring: .open, products: [webClient, tls]),

    // MARK: Keyholders
    Module(
        name: "PliniusVerifier", ring: .keyholder, uses: ["PliniusWire"],
        products: [crypto, cryptoExtras, certificates, asn1, yaml]),
    Module(name: "PliniusDatasets", ring: .keyholder, uses: ["CImageCodecs", "CZlib"]),
    Module(name: "PliniusModels", ring: .keyholder, uses: ["PliniusNN", "_PliniusSupport"]),
    Module(
        name: "PliniusDataSealing", ring: .keyholder,
        uses: ["PliniusMirror", "PliniusNN", "PliniusSealing", "_PliniusSupport"]),
    Module(
        name: "PliniusOwner", ring: .keyholder,
        uses: [
            "PliniusDataSealing", "PliniusDatasets", "PliniusMirror", "PliniusModels", "PliniusNN",
            "PliniusPersistence",
            "PliniusRuns", "PliniusSealing", "PliniusSockets", "PliniusVerifier", "PliniusWire", "_PliniusSupport",
        ],
        products: [arguments, crypto]),
    Module(name: "plinius-owner", ring: .keyholder, uses: ["PliniusOwner"], executable: true),
    Module(
        name: "PliniusPolicy", ring: .keyholder, uses: ["PliniusVerifier", "PliniusWire"], products: [crypto, yaml]),
    Module(
        name: "PliniusPolicyManager", ring: .keyholder,
        uses: ["PliniusAttester", "PliniusPolicy", "PliniusSealing", "PliniusVerifier", "PliniusWire"],
        products: [asn1, certificates, crypto, database, logging]),
    Module(
        name: "PliniusPerun", ring: .keyholder,
        uses: [
            "PliniusPerunClient", "PliniusPolicy", "PliniusPolicyManager", "PliniusSockets", "PliniusVerifier",
            "PliniusWire",
        ],
        products: [arguments, crypto, logging, tls, webServer, webServerTLS]),
    Module(name: "perun", ring: .keyholder, uses: ["PliniusPerun"], executable: true),

    // MARK: Outer
    Module(
        name: "PliniusHost", ring: .outer,
        uses: ["PliniusPersistence", "PliniusPerunClient", "PliniusRuns", "PliniusSockets", "PliniusWire"]),
    Module(
        name: "PliniusCLI", ring: .outer,
        uses: ["PliniusHost", "PliniusPersistence", "PliniusPoolTools", "PliniusWire"],
        products: [arguments]),
    Module(name: "plinius", ring: .outer, uses: ["PliniusCLI"], executable: true),

    // MARK: Testing
    Module(name: "_PliniusTestSupport", ring: .testing, uses: ["PliniusPersistence", "_PliniusSupport"]),
    Module(
        name: "_PliniusFuzzing", ring: .testing,
        uses: [
            "PliniusAttester", "PliniusDataSealing", "PliniusDatasets", "PliniusMirror", "PliniusModels", "PliniusNN",
            "PliniusSealing", "PliniusTPM", "PliniusVerifier", "PliniusWire",
        ],
        products: [crypto]),
    Module(name: "attest-guest", ring: .testing, uses: ["PliniusAttester", "PliniusWire"], executable: true),
    Module(
        name: "judge-guest", ring: .testing, uses: ["PliniusVerifier", "PliniusWire"], products: [crypto],
        executable: true),
    Module(
        name: "verdicts", ring: .testing, uses: ["PliniusVerifier", "PliniusWire"], products: [crypto], executable: true
    ),
    Module(name: "pool-storm", ring: .testing, uses: ["PliniusPersistence", "_PliniusSupport"], executable: true),
    Module(
        name: "policy-storm", ring: .testing,
        uses: ["PliniusPolicy", "PliniusPolicyManager", "PliniusSealing", "PliniusVerifier"], executable: true),
]

// MARK: - Walls

/// Core modules that know no secret.
let knownToAll: Set<String> = ["PliniusMedia", "_PliniusSupport"]
let shims: Set<String> = ["CPliniusPM", "CIPSecMB", "CImageCodecs", "COneDNN", "CTSS2", "CZlib"]
/// Readers of foreign formats stay out of the core.
let foreign: Set<String> = ["CImageCodecs", "CZlib"]
let ringOf = Dictionary(uniqueKeysWithValues: modules.map { ($0.name, $0.ring) })

for module in modules {
    for used in module.uses {
        switch module.ring {
        case .core:
            precondition(
                !foreign.contains(used) && (shims.contains(used) || ringOf[used] == .core),
                "\(module.name) is core: it may not use \(used)")
        case .open:
            precondition(
                ringOf[used] == .open || knownToAll.contains(used), "\(module.name) is open: it may not use \(used)")
        case .outer:
            precondition(
                ringOf[used] == .outer || ringOf[used] == .open || used == "PliniusWire",
                "\(module.name) is outer: it may not use \(used)")
        case .keyholder:
            precondition(
                shims.contains(used) || ringOf[used] != .outer && ringOf[used] != .testing,
                "\(module.name) is a keyholder: it may not use \(used)")
        case .testing:
            continue
        }
    }
    precondition(
        module.name == "PliniusTPM" || !module.uses.contains("CTSS2"), "only PliniusTPM speaks to a TPM")
    precondition(
        module.ring != .core || module.products.isEmpty || module.name == "PliniusSealing",
        "only PliniusSealing reaches outside the package, and only for swift-crypto")
}

// MARK: - Targets

extension Module {
    private var seesWireOnly: Bool { ["PliniusVerifier", "PliniusPolicy"].contains(name) }

    var target: Target {
        let dependencies = uses.map { Target.Dependency.byName(name: $0) } + products
        let settings = ring == .outer || ring == .testing ? language : trusted
        if executable {
            return .executableTarget(
                name: name, dependencies: dependencies, path: ring == .testing ? "Tests/\(name)" : nil,
                packageAccess: ring == .testing, swiftSettings: settings)
        }
        return .target(
            name: name, dependencies: dependencies,
            path: ring == .testing ? "Tests/\(name)" : nil,
            // A `package` declaration of the core is for the core and for tests, never across a wall. Verifier and policies know no core
            // module but the wire, which keeps nothing from them, and their tests look inside.
            packageAccess: ring == .core || ring == .open || ring == .testing || seesWireOnly,
            swiftSettings: settings)
    }
}

// Tests that compute little themselves are not optimized: the compiler takes half the time for them.
func tests(
    _ name: String, of uses: [String], products: [Target.Dependency] = [], resources: [Resource] = [],
    optimized: Bool = false
) -> Target {
    .testTarget(
        name: name, dependencies: (uses + ["_PliniusTestSupport"]).map { .byName(name: $0) } + products,
        resources: resources, swiftSettings: language + (optimized ? [] : [.unsafeFlags(["-Onone"])]))
}

// intel-ipsec-mb exists for x86-64 only; elsewhere the shim compiles to "not available" and swift-crypto serves.
#if arch(x86_64)
    let ipsecLibrary: [LinkerSetting] = [.linkedLibrary("IPSec_MB")]
#else
    let ipsecLibrary: [LinkerSetting] = []
#endif

let package = Package(
    name: "plinius",
    products: [
        .library(name: "PliniusPersistence", targets: ["PliniusPersistence"]),
        .library(
            name: "PliniusMirror", targets: ["PliniusMirror", "PliniusMedia", "PliniusSealing", "_PliniusSupport"]),
        .library(name: "PliniusNN", targets: ["PliniusNN"]),
        .library(name: "PliniusOneDNN", targets: ["PliniusOneDNN"]),
        .library(name: "PliniusVerifier", targets: ["PliniusVerifier"]),
        .executable(name: "plinius", targets: ["plinius"]),
        .executable(name: "plinius-enclave", targets: ["plinius-enclave"]),
        .executable(name: "plinius-owner", targets: ["plinius-owner"]),
        .executable(name: "perun", targets: ["perun"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-asn1.git", from: "1.7.0"),
        .package(url: "https://github.com/apple/swift-certificates.git", from: "1.21.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.0"),
        .package(url: "https://github.com/groue/GRDB.swift.git", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.0", traits: []),
        .package(url: "https://github.com/jpsim/Yams.git", from: "6.2.0"),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0"),
    ],
    targets: [
        .target(name: "CPliniusPM", cSettings: shim),
        .target(name: "CIPSecMB", cSettings: shim, linkerSettings: ipsecLibrary),
        .target(name: "COneDNN", cSettings: shim, linkerSettings: [.linkedLibrary("dnnl"), .linkedLibrary("gomp")]),
        .target(
            name: "CTSS2", cSettings: shim,
            linkerSettings: ["tss2-esys", "tss2-mu", "tss2-tctildr"].map { .linkedLibrary($0) }),
        .target(name: "CZlib", cSettings: shim, linkerSettings: [.linkedLibrary("z")]),
        .target(
            name: "CImageCodecs", cSettings: shim, linkerSettings: [.linkedLibrary("png"), .linkedLibrary("jpeg")]),
        .target(name: "CAllocationCount", path: "Tests/CAllocationCount", cSettings: shim),
    ] + modules.map(\.target) + [
        tests("_PliniusSupportTests", of: ["_PliniusSupport"], optimized: true),
        tests(
            "PliniusPersistenceTests",
            of: [
                "CAllocationCount", "CPliniusPM", "PliniusMedia", "PliniusPersistence", "PliniusPoolTools",
                "_PliniusSupport",
            ], optimized: true),
        tests(
            "PliniusSealingTests", of: ["PliniusSealing", "_PliniusSupport"], products: [crypto],
            resources: [.copy("Vectors")], optimized: true),
        tests("PliniusNNTests", of: ["PliniusNN", "_PliniusSupport"], resources: [.copy("Fixtures")], optimized: true),
        tests(
            "PliniusOneDNNTests", of: ["CAllocationCount", "PliniusNN", "PliniusOneDNN", "_PliniusSupport"],
            optimized: true),
        tests(
            "PliniusMirrorTests",
            of: [
                "CAllocationCount", "PliniusDataSealing", "PliniusMedia", "PliniusMirror", "PliniusNN",
                "PliniusPersistence",
                "PliniusRuns", "PliniusSealing", "_PliniusSupport",
            ], optimized: true),
        tests("PliniusWireTests", of: ["PliniusWire", "_PliniusSupport"]),
        tests(
            "PliniusAttesterTests",
            of: [
                "PliniusAttester", "PliniusSealing", "PliniusTPM", "PliniusVerifier", "PliniusWire", "_PliniusSupport",
            ],
            products: [crypto]),
        tests(
            "PliniusVerifierTests", of: ["PliniusVerifier", "PliniusWire", "_PliniusFuzzing"],
            products: [crypto, cryptoExtras, certificates, asn1]),
        tests("PliniusPolicyTests", of: ["PliniusPolicy", "PliniusVerifier", "PliniusWire"], products: [crypto]),
        tests(
            "PliniusPolicyManagerTests",
            of: [
                "PliniusAttester", "PliniusPolicy", "PliniusPolicyManager", "PliniusSealing", "PliniusVerifier",
                "PliniusWire",
            ],
            products: [crypto, database]),
        tests(
            "PliniusPerunTests",
            of: [
                "PliniusAttester", "PliniusPerun", "PliniusPerunClient", "PliniusPolicy", "PliniusPolicyManager",
                "PliniusSealing", "PliniusVerifier", "PliniusWire",
            ],
            products: [arguments, crypto, logging, tls, webClient, webServer, yaml]),
        tests("PliniusDatasetsTests", of: ["PliniusDatasets", "_PliniusFuzzing"], optimized: true),
        tests("PliniusModelsTests", of: ["PliniusModels", "PliniusNN", "_PliniusSupport"], optimized: true),
        tests(
            "PliniusOwnerTests",
            of: [
                "PliniusDatasets", "PliniusMirror", "PliniusNN", "PliniusOwner", "PliniusPersistence", "PliniusRuns",
                "PliniusSealing", "_PliniusSupport",
            ]),
        tests(
            "EndToEndTests",
            of: [
                "PliniusDatasets", "PliniusMirror", "PliniusNN", "PliniusPersistence", "PliniusRuns", "PliniusSealing",
                "PliniusSockets", "PliniusWire", "_PliniusSupport",
            ],
            products: [crypto]),
    ]
)
