// swift-tools-version: 6.3
// Programs that measure, apart from the main package so that nobody who uses that one builds them.

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

let mirror = Target.Dependency.product(name: "PliniusMirror", package: "plinius")
let networks = ["PliniusNN", "PliniusOneDNN"].map { Target.Dependency.product(name: $0, package: "plinius") }

let package = Package(
    name: "plinius-benchmarks",
    dependencies: [.package(name: "plinius", path: "..")],
    targets: [
        .target(name: "Measuring", swiftSettings: strict),
        .executableTarget(name: "sps", dependencies: ["Measuring", persistence], swiftSettings: strict),
        .executableTarget(name: "mirror", dependencies: ["Measuring", mirror], swiftSettings: strict),
        .executableTarget(name: "data-set", dependencies: ["Measuring", mirror] + networks, swiftSettings: strict),
        .executableTarget(name: "durable-io", dependencies: ["Measuring", persistence], swiftSettings: strict),
    ]
)
