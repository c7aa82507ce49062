// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

extension OverlayStore {
    /// Opens a directory that is locked, in each of the forms it may have.
    struct Opening {
        let path: String
        let means: Means

        private var quotas: ProjectQuotaStore { ProjectQuotaStore(lockDirectory: means.stateDirectory) }

        private func diskImage(in directory: borrowing Descriptor) -> DiskImage {
            DiskImage(directory: directory.rawValue, path: path, tools: ToolRun(searchPath: means.searchPath))
        }

        // MARK: Without a limit

        func plain(
            _ directory: consuming Descriptor, _ lock: consuming Descriptor, isLimited: Bool = false
        ) throws(StorageError) -> OverlayStore {
            try OverlayStore.requireUpperCapable(directory, path)
            let upper = try OverlayStore.openPart("upper", mode: 0o755, in: directory, path)
            let work = try OverlayStore.openPart("work", mode: 0o700, in: directory, path)
            return OverlayStore(
                directory: directory, upper: upper, work: work, lock: lock, image: nil, isLimited: isLimited)
        }

        /// Gives back the room that the last sandbox kept for this one: overlayfs makes files when it is mounted, and could
        /// not be on a layer that an agent has filled. Init keeps room again once it is mounted.
        private func releaseRoom(_ reserve: borrowing Descriptor) throws(StorageError) {
            try reporting("empty", path + "/reserve") { () throws(SystemError) in
                for entry in try byteEntries(of: reserve) {
                    try LinuxKernel.remove(entry.name, directory: false, in: reserve)
                }
            }
        }

        // MARK: With a first limit

        /// Gives a directory without contents a limit, by whichever means there is.
        func limited(
            _ directory: consuming Descriptor, _ lock: consuming Descriptor, _ limit: DiskLimit
        ) throws(StorageError) -> OverlayStore {
            try requireNoContents(directory)
            if try isQuotaCapable(directory) {
                let store = try plain(directory, lock, isLimited: true)
                let reserve = try OverlayStore.openPart("reserve", mode: 0o700, in: store.directory, path)
                let project = try quotas.adopt(store.upper, store.work, reserve, path)
                // Before the record: with it, a quota that is not there would be an error for good.
                try quotas.limit(project, to: limit, on: store.upper, path)
                try StoreRecord(kind: .quota(project: project), limit: limit).write(in: store.directory.rawValue, path)
                return store
            }
            guard let bytes = limit.bytes else {
                throw StorageError(
                    .unsupportedFileSystem, "limit the inodes of overlay", path,
                    "its file system has no project quotas, and an image of its own needs a size",
                    hint: "give --disk as well, or mount the file system with the option prjquota")
            }
            // As many as files of 4 KiB would be, like in memory.
            try diskImage(in: directory).make(bytes: bytes, inodes: limit.inodes ?? max(1024, bytes / 4096))
            let record = StoreRecord(kind: .image, limit: limit)
            try record.write(in: directory.rawValue, path)
            return try image(directory, lock, record, nil)
        }

        private func isQuotaCapable(_ directory: borrowing Descriptor) throws(StorageError) -> Bool {
            let number = directory.rawValue
            return try reporting("check the quotas of", path) { () throws(SystemError) in
                // quotactl_fd(2) takes no O_PATH descriptor, which this is not.
                let opened = try LinuxKernel.open(".", [.directory], at: .descriptor(number))
                guard OverlayStore.unusableFileSystem(try fileSystemType(opened)) == nil else { return false }
                return try enforcesProjectQuotas(opened)
            }
        }

        /// What is there already belongs to no project and is in no image.
        private func requireNoContents(_ directory: borrowing Descriptor) throws(StorageError) {
            let number = directory.rawValue
            let isEmpty = try reporting("look into", path + "/upper") { () throws(SystemError) in
                do throws(SystemError) {
                    let upper = try LinuxKernel.open(
                        "upper", [.directory, .noFollow], at: .descriptor(number),
                        resolving: [.beneath, .noSymlinks, .noMagicLinks])
                    return try byteEntries(of: upper).isEmpty
                } catch where error.errno == .noEntry { return true } catch { throw error }
            }
            if isEmpty { return }
            throw StorageError(
                .exists, "limit overlay", path, "it has contents from runs without a limit",
                hint: "name a new directory, or run without --disk and --inodes")
        }

        // MARK: With a limit from before

        func quota(
            _ directory: consuming Descriptor, _ lock: consuming Descriptor, _ record: StoreRecord, _ project: UInt32,
            _ limit: DiskLimit?
        ) throws(StorageError) -> OverlayStore {
            let store = try plain(directory, lock, isLimited: true)
            try quotas.requireHeld(project, store.upper, store.work, path)
            try releaseRoom(try OverlayStore.openPart("reserve", mode: 0o700, in: store.directory, path))
            guard let limit else { return store }
            // What is not named stays. A quota below what is there already stops whatever would add to it.
            var record = record
            record.limit = DiskLimit(
                bytes: limit.bytes ?? record.limit.bytes, inodes: limit.inodes ?? record.limit.inodes)
            try quotas.limit(project, to: record.limit, on: store.upper, path)
            try record.write(in: store.directory.rawValue, path)
            return store
        }

        func image(
            _ directory: consuming Descriptor, _ lock: consuming Descriptor, _ record: StoreRecord, _ limit: DiskLimit?
        ) throws(StorageError) -> OverlayStore {
            let image = diskImage(in: directory)
            let number = directory.rawValue
            try requirePossible(record, limit)
            if let bytes = limit?.bytes, bytes > record.limit.bytes ?? 0 {
                var record = record
                try image.grow(&record, to: bytes) { (record) throws(StorageError) in
                    try record.write(in: number, path)
                }
            }
            let mount = try image.mount()
            try releaseRoom(try OverlayStore.openPart("reserve", mode: 0o700, in: mount, path))
            let upper = try OverlayStore.openPart("upper", mode: 0o755, in: mount, path)
            let work = try OverlayStore.openPart("work", mode: 0o700, in: mount, path)
            return OverlayStore(
                directory: directory, upper: upper, work: work, lock: lock, image: mount, isLimited: true)
        }

        /// An image grows, and does nothing else; and its inodes grow with it, whatever was promised of them.
        private func requirePossible(_ record: StoreRecord, _ limit: DiskLimit?) throws(StorageError) {
            if let bytes = limit?.bytes, let before = record.limit.bytes, bytes < before {
                throw StorageError(
                    .exists, "limit overlay", path, "it was made for \(before) bytes, and an image is not made smaller",
                    hint: "leave --disk out, or name a new directory")
            }
            if let inodes = limit?.inodes, inodes != record.limit.inodes {
                let made = record.limit.inodes.map { "for \($0) inodes" } ?? "without a limit of inodes"
                throw StorageError(
                    .exists, "limit overlay", path, "it was made \(made), which an image keeps",
                    hint: "leave --inodes out, or name a new directory")
            }
            if let bytes = limit?.bytes, bytes > record.limit.bytes ?? 0, let inodes = record.limit.inodes {
                throw StorageError(
                    .exists, "enlarge overlay", path,
                    "it was made for \(inodes) inodes, and an image's inodes grow with its size",
                    hint: "leave --disk out, or name a new directory")
            }
        }
    }
}
