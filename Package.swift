// swift-tools-version: 6.1
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

// CLinux and Glibc describe some structures differently unless both see the same feature macros, and the test library
// brings Glibc into every test.
let testSettings: [SwiftSetting] = [.unsafeFlags(["-Xcc", "-D_GNU_SOURCE"])]

// Layout and dependencies are explained in docs/architecture.md; dependencies point down only.
let package = Package(
    name: "martinet",
    products: [
        .executable(name: "martinet", targets: ["martinet"]),
        .executable(name: "martinet-init", targets: ["MartinetInit"]),
        .executable(name: "launch-bench", targets: ["LaunchBench"]),
        // What Fuzz/Package.swift builds upon.
        .library(
            name: "MartinetModules",
            targets: [
                "CLinux", "LinuxKernel", "SandboxSpec", "SetupProgram", "Cgroups", "Confinement", "Storage", "Engine",
                "Doctor", "FuzzerInterface",
            ]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
    ],
    targets: [
        .target(name: "CLinux"),
        .systemLibrary(name: "CYAML", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CSeccomp", providers: [.apt(["libseccomp-dev"])]),
        .target(name: "LinuxKernel", dependencies: ["CLinux"]),
        .target(name: "SandboxSpec", dependencies: ["CYAML"]),
        .target(name: "SetupProgram", dependencies: ["SandboxSpec"]),
        .target(name: "Cgroups", dependencies: ["LinuxKernel"]),
        .target(name: "Confinement", dependencies: ["CSeccomp", "LinuxKernel", "SandboxSpec"]),
        .target(name: "Storage", dependencies: ["LinuxKernel"]),
        .target(
            name: "Engine",
            dependencies: ["CLinux", "LinuxKernel", "SandboxSpec", "SetupProgram", "Cgroups", "Confinement", "Storage"]),
        .target(
            name: "Doctor", dependencies: ["CLinux", "LinuxKernel", "SandboxSpec", "Cgroups", "Storage", "Engine"]),
        .executableTarget(
            name: "martinet",
            dependencies: [
                "Confinement", "Doctor", "Engine", "LinuxKernel", "SandboxSpec", "SetupProgram", "Storage",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            // A static executable starts in a third of the time: no dynamic loader, no relocations.
            linkerSettings: [.unsafeFlags(["-static-executable"], .when(configuration: .release))]),
        .executableTarget(
            name: "MartinetInit",
            dependencies: ["CLinux"],
            swiftSettings: [
                .enableExperimentalFeature("Embedded"),
                .unsafeFlags(["-wmo", "-no-static-stdlib", "-parse-as-library"]),
            ],
            linkerSettings: [.unsafeFlags(["-Xclang-linker", "-static"])]),
        .executableTarget(
            name: "LaunchBench", dependencies: ["Engine", "LinuxKernel", "SandboxSpec"],
            path: "Benchmarks/launch-bench", swiftSettings: testSettings,
            linkerSettings: [.unsafeFlags(["-static-executable"], .when(configuration: .release))]),
        .target(name: "FuzzerInterface", path: "Fuzz/Interface"),
        .testTarget(
            name: "FuzzTests",
            dependencies: [
                "Cgroups", "Confinement", "Doctor", "Engine", "LinuxKernel", "SandboxSpec", "SetupProgram", "Storage",
            ],
            path: "Fuzz/Targets", swiftSettings: testSettings),
        .testTarget(
            name: "InitFuzzTests", dependencies: ["CLinux", "Engine", "FuzzerInterface", "LinuxKernel"],
            path: "Fuzz/Init", swiftSettings: testSettings),
        .target(name: "TestHost", dependencies: ["LinuxKernel"], path: "Tests/TestHost", swiftSettings: testSettings),
        .testTarget(
            name: "SandboxSpecTests", dependencies: ["SandboxSpec"], swiftSettings: testSettings),
        .testTarget(
            name: "SetupProgramTests", dependencies: ["CLinux", "LinuxKernel", "SandboxSpec", "SetupProgram"],
            exclude: ["Golden"],
            swiftSettings: testSettings),
        .testTarget(
            name: "LinuxKernelTests", dependencies: ["LinuxKernel", "CLinux", "TestHost"],
            swiftSettings: testSettings),
        .testTarget(
            name: "CgroupsTests", dependencies: ["Cgroups", "LinuxKernel", "TestHost"], swiftSettings: testSettings),
        .testTarget(
            name: "ConfinementTests", dependencies: ["CLinux", "CSeccomp", "Confinement", "LinuxKernel"],
            exclude: ["Fixtures", "Programs"],
            swiftSettings: testSettings),
        .testTarget(
            name: "StorageTests", dependencies: ["LinuxKernel", "Storage"], exclude: ["Fixtures"],
            swiftSettings: testSettings),
        .testTarget(
            name: "EngineTests",
            dependencies: [
                "CLinux", "Confinement", "Engine", "LinuxKernel", "SandboxSpec", "SetupProgram", "Storage",
                "TestHost",
            ],
            swiftSettings: testSettings),
        .testTarget(
            name: "SecurityTests",
            dependencies: [
                "CLinux", "Cgroups", "Confinement", "Engine", "LinuxKernel", "SandboxSpec", "SetupProgram", "Storage",
                "TestHost",
            ],
            exclude: ["Attacks"],
            swiftSettings: testSettings),
        .testTarget(
            name: "DoctorTests",
            dependencies: [
                "CLinux", "Cgroups", "Doctor", "Engine", "LinuxKernel", "SandboxSpec", "Storage", "TestHost",
            ],
            exclude: ["Golden"], swiftSettings: testSettings),
        .testTarget(
            name: "IntegrationTests",
            dependencies: ["Engine", "LinuxKernel", "SandboxSpec", "SetupProgram", "TestHost"],
            swiftSettings: testSettings),
    ],
    swiftLanguageModes: [.v6]
)
