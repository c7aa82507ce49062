// swift-tools-version: 6.1
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

// A package of its own, since every module has to be built for the fuzzer, with the sanitizers. scripts/fuzz does that;
// docs/fuzzing.md says what is in here. The same targets are compiled into the tests, which run them on Corpus.
let settings: [SwiftSetting] = [.unsafeFlags(["-Xcc", "-D_GNU_SOURCE"])]
// The gold linker, which the compiler would take, has no end of warnings about the sanitizers' symbols.
let linking: [LinkerSetting] = [.unsafeFlags(["-use-ld=lld"])]

let package = Package(
    name: "martinet-fuzz",
    dependencies: [.package(name: "martinet", path: "..")],
    targets: [
        .executableTarget(
            name: "martinet-fuzz",
            dependencies: [.product(name: "MartinetModules", package: "martinet")],
            path: ".",
            exclude: [
                "Corpus", "Dictionaries", "Init", "InitDriver", "Interface", "Targets/FuzzRegressionTests.swift",
            ],
            sources: ["Driver", "Targets"], swiftSettings: settings, linkerSettings: linking),
        .executableTarget(
            name: "martinet-fuzz-init",
            dependencies: [.product(name: "MartinetModules", package: "martinet")],
            path: ".",
            exclude: [
                "Corpus", "Dictionaries", "Targets", "Driver", "Interface", "Init/InitRegressionTests.swift",
            ],
            sources: ["Init", "InitDriver"], swiftSettings: settings, linkerSettings: linking),
    ],
    swiftLanguageModes: [.v6]
)
