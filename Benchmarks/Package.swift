// swift-tools-version: 6.3
// Programs that measure the persistent memory, apart from the main package so that nobody who uses that one builds them.

import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

let persistence = Target.Dependency.product(name: "PliniusPersistence", package: "plinius")

let package = Package(
    name: "plinius-benchmarks",
    dependencies: [.package(name: "plinius", path: "..")],
    targets: [
        .target(name: "Measuring", swiftSettings: strict),
        .executableTarget(name: "sps", dependencies: ["Measuring", persistence], swiftSettings: strict),
        .executableTarget(name: "durable-io", dependencies: ["Measuring", persistence], swiftSettings: strict),
    ]
)
