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

let warnings: [CSetting] = [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]

let persistence = Target.Dependency.product(name: "PliniusPersistence", package: "plinius")

let mirror = Target.Dependency.product(name: "PliniusMirror", package: "plinius")
let networks = ["PliniusNN", "PliniusOneDNN"].map { Target.Dependency.product(name: $0, package: "plinius") }

/// The shim's kernels that an iteration of training runs and CTimedKernels stands in front of.
let timedKernels =
    [
        "adapt", "avgpool", "avgpool_backward", "bend", "bend_backward", "channel_sums", "clamp", "combine",
        "copy_rows",
        "curve_backward", "curve_forward", "descend", "dropout", "maxpool", "maxpool_backward", "normalize",
        "normalize_backward", "normalize_sums", "statistics",
    ].map { "conednn_\($0)" } + ["winograd_forward", "winograd_gradient", "winograd_pack"]

let package = Package(
    name: "plinius-benchmarks",
    dependencies: [.package(name: "plinius", path: "..")],
    targets: [
        .target(name: "Measuring", swiftSettings: strict),
        .executableTarget(name: "sps", dependencies: ["Measuring", persistence], swiftSettings: strict),
        .executableTarget(name: "mirror", dependencies: ["Measuring", mirror], swiftSettings: strict),
        .executableTarget(name: "data-set", dependencies: ["Measuring", mirror] + networks, swiftSettings: strict),
        .target(
            name: "CTimedKernels", dependencies: [.product(name: "PliniusOneDNN", package: "plinius")],
            cSettings: warnings),
        .executableTarget(
            name: "profile", dependencies: ["CTimedKernels", "Measuring", mirror] + networks, swiftSettings: strict,
            linkerSettings: [.unsafeFlags(timedKernels.flatMap { ["-Xlinker", "--wrap=\($0)"] })]),
        .target(name: "CCeilings", cSettings: warnings),
        .executableTarget(
            name: "ceilings", dependencies: ["CCeilings", "Measuring", mirror], swiftSettings: strict),
        .executableTarget(name: "durable-io", dependencies: ["Measuring", persistence], swiftSettings: strict),
    ]
)
