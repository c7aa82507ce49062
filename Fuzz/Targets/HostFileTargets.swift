// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

@testable import Cgroups
@testable import Doctor
@testable import Storage

/// Files of the kernel's and of the host's, which on some machine look like no documentation says.
let hostFileTargets = [
    FuzzTarget(name: "cgroup-files", run: readCgroupFiles),
    FuzzTarget(name: "accounts", run: readAccounts),
    FuzzTarget(name: "host-files", run: readHostFiles),
]

/// Two texts with a zero byte between them: mountinfo and this process's cgroups; or a control file.
private func readCgroupFiles(_ bytes: [UInt8]) throws(Violation) {
    let parts = bytes.parts(atMost: 2)
    var layout = CgroupLayout(mountinfo: parts[0], membership: parts.last ?? [])
    layout.setUnifiedControllers(bytes.text)
    for hierarchy in layout.hierarchies {
        try require(hierarchy.mountPoint.utf8.first == UInt8(ascii: "/"), "a mount point that is no path")
        guard let own = hierarchy.ownDirectory else { continue }
        try require(!own.split(separator: "/").contains(".."), "a cgroup outside the hierarchy: \(own)")
    }
    for controller in CgroupController.allCases { _ = layout.hierarchy(for: controller) }
    let text = bytes.text
    _ = flatKeyed(text)
    _ = PressureStall(text)
    _ = IOUsage.ofStat(text)
    _ = IOUsage.ofBlkio(bytes: parts[0].text, operations: (parts.last ?? []).text)
    if let list = NumberList(text) {
        try require(NumberList(list.description) == list, "\(list) is another list after writing it")
        let other = NumberList((parts.last ?? []).text) ?? list
        try require(list.subtracting(list).isEmpty, "\(list) without itself is something")
        try require(list.subtracting(other).subtracting(other) == list.subtracting(other), "\(list) without \(other)")
    }
    if let device = BlockDeviceNumber(text) {
        try require(BlockDeviceNumber(device.description) == device, "\(device) is another device after writing it")
    }
}

/// A name, a zero byte, and a text: an /etc/passwd and /etc/group of a root file system that somebody else made, and the
/// host's /etc/subuid.
private func readAccounts(_ bytes: [UInt8]) throws(Violation) {
    let parts = bytes.parts(atMost: 2).map(\.text)
    let name = parts[0]
    let text = parts.count == 2 ? parts[1] : parts[0]
    let passwd = PasswdFile(text: text)
    if let found = try reading({ () throws(StorageError) in try passwd.user(named: name) }), let user = found {
        try require(user.name.utf8.elementsEqual(name.utf8), "asked for \(name), got \(user.name)")
        try require(user.uid != .max && user.gid != .max, "the id that means none")
        try require(passwd.user(withID: user.uid) != nil, "\(user.uid) is nobody's")
    }
    for uid: UInt32 in [0, 1, 1000, .max] {
        if let user = passwd.user(withID: uid) {
            try require(user.uid == uid && uid != .max, "asked for \(uid): \(user)")
        }
    }
    let groups = GroupFile(text: text)
    if let group = try? groups.group(named: name) {
        try require(group.name.utf8.elementsEqual(name.utf8), "asked for \(name), got \(group.name)")
    }
    let supplementary = groups.supplementaryGroups(of: name, primary: 5)
    try require(Set(supplementary).count == supplementary.count && !supplementary.contains(5), "\(supplementary)")
    for range in SubordinateIDFile(text: text).ranges(forUser: name, uid: 1000) {
        try require(range.start > 0 && range.count > 0, "\(range)")
        try require(UInt64(range.start) + UInt64(range.count) <= UInt64(UInt32.max), "\(range)")
    }
}

/// Release strings, os-release, apt's configuration, debootstrap's messages.
private func readHostFiles(_ bytes: [UInt8]) throws(Violation) {
    let text = bytes.text
    if let version = KernelVersion(release: text) {
        try require(KernelVersion(release: version.description) == version, "\(version)")
    }
    _ = KernelRelease(text) < KernelRelease("6.1")
    let distribution = Distribution(osRelease: text)
    _ = distribution.kernelCure("6.1")
    _ = distribution.installs("a")
    var sources = AptSources()
    sources.add(list: text)
    sources.add(deb822: text)
    let mirror = sources.mirror(forSuite: "bookworm", architecture: nil)
    try require(mirror.hasPrefix("http://") || mirror.hasPrefix("https://"), "a mirror at \(mirror)")
    _ = aptProxy(fromDump: text)
    var messages = DebootstrapMessages()
    var last = 0.0
    for line in text.split(separator: "\n") {
        guard let fraction = messages.progress(from: String(line))?.fraction else { continue }
        try require((last...1).contains(fraction), "progress of \(fraction) after \(last)")
        last = fraction
    }
}
