# SPDX-License-Identifier: Apache-2.0
"""The other sandboxes, each with the file view of Martinet's default and the most isolation it has.

The view: an empty root with /usr and the files of /etc that programs need, read-only; /tmp, /run, a home and /workspace
in memory; /proc, /sys and a small /dev.
"""
import json
import os
import struct

VIEW = ["/etc/ld.so.cache", "/etc/alternatives", "/etc/ssl/certs", "/etc/ssl/openssl.cnf"]
LINKS = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}
WRITABLE = ["/tmp", "/run", "/home/agent", "/workspace"]
ENVIRONMENT = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/home/agent", "LANG=C.UTF-8"]
FIRST_ID, ID_COUNT = 1879048192, 65536

# Docker's lists, as Martinet masks and protects them.
MASKED = ["/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
          "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/firmware",
          "/sys/devices/virtual/powercap"]
READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
DENIED = """acct add_key bpf clock_adjtime clock_settime create_module delete_module finit_module fsconfig fsmount fsopen
    fspick get_kernel_syms get_mempolicy init_module io_uring_enter io_uring_register io_uring_setup ioperm iopl kcmp
    kexec_file_load kexec_load keyctl lookup_dcookie mbind mount mount_setattr move_mount move_pages name_to_handle_at
    nfsservctl open_by_handle_at open_tree perf_event_open personality pivot_root process_vm_readv process_vm_writev
    ptrace query_module quotactl reboot request_key set_mempolicy setns settimeofday stime swapoff swapon sysfs umount
    umount2 unshare uselib userfaultfd ustat vm86 vm86old""".split()


def filter_program(instructions=571):
    """A system-call filter as long as Martinet's default that allows everything after a few comparisons."""
    load, jump, allow = (0x20, 0, 0, 0), (0x25, 1, 0, 0x7FFFFFF0), (0x06, 0, 0, 0x7FFF0000)
    program = [load] + [jump] * 11 + [allow] + [(0x15, 0, 0, 0x7FFFFFFF), allow] * instructions
    program = program[: instructions - 1] + [allow]
    return b"".join(struct.pack("<HBBI", *each) for each in program)


def existing(paths):
    return [path for path in paths if os.path.exists(path)]


def bwrap_view():
    words = ["--ro-bind", "/usr", "/usr"]
    for name, target in LINKS.items():
        words += ["--symlink", target, f"/{name}"]
    for path in existing(VIEW):
        words += ["--ro-bind", path, path]
    words += ["--proc", "/proc", "--dev", "/dev"]
    for path in WRITABLE:
        words += ["--tmpfs", path]
    return words


def bwrap_plain(_):
    return ["bwrap", "--unshare-all"] + bwrap_view()


def bwrap_full(work):
    """The filter is read from descriptor 9, which the launching process has open."""
    words = ["bwrap", "--unshare-all", "--new-session", "--die-with-parent", "--cap-drop", "ALL", "--hostname", "cell",
             "--uid", "1000", "--gid", "1000", "--clearenv", "--chdir", "/workspace", "--seccomp", "9"]
    for setting in ENVIRONMENT:
        words += ["--setenv"] + setting.split("=", 1)
    return words + bwrap_view() + ["--remount-ro", "/"]


def unshare(_):
    """No root of its own: the host's files stay in sight, and no capability is dropped."""
    return ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup", "--time",
            "--fork", "--kill-child", "--mount-proc"]


def nspawn(_):
    """--volatile=yes is an empty root in memory with the host's /usr read-only: the same view."""
    return ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--directory=/", "--volatile=yes",
            "--private-network", f"--private-users={FIRST_ID}:{ID_COUNT}", "--private-users-ownership=off",
            "--drop-capability=all", "--no-new-privileges=yes", "--as-pid2", "--console=pipe", "--hostname=cell",
            "--settings=no", "--link-journal=no", "--resolv-conf=off", "--timezone=off"]


def oci_config(arguments, cgroup):
    def mount(destination, kind, source=None, options=()):
        return {"destination": destination, "type": kind, "source": source or kind, "options": list(options)}

    inert = ["nosuid", "noexec", "nodev"]
    mounts = [mount("/proc", "proc", options=inert), mount("/dev", "tmpfs", options=["nosuid", "mode=755", "size=64k"]),
              mount("/dev/pts", "devpts", options=["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
              mount("/dev/shm", "tmpfs", "shm", inert + ["mode=1777"]), mount("/dev/mqueue", "mqueue", options=inert),
              mount("/sys", "sysfs", options=inert + ["ro"])]
    mounts += [mount(path, "bind", path, ["rbind", "ro", "nosuid", "nodev"]) for path in existing(["/usr"] + VIEW)]
    mounts += [mount(path, "tmpfs", options=["nosuid", "nodev", "mode=1777"]) for path in WRITABLE]
    ids = [{"containerID": 0, "hostID": FIRST_ID, "size": ID_COUNT}]
    none = {kind: [] for kind in ("bounding", "effective", "inheritable", "permitted", "ambient")}
    return {
        "ociVersion": "1.0.2", "hostname": "cell", "root": {"path": "rootfs", "readonly": True}, "mounts": mounts,
        "process": {"terminal": False, "user": {"uid": 1000, "gid": 1000}, "args": arguments, "env": ENVIRONMENT,
                    "cwd": "/workspace", "capabilities": none, "noNewPrivileges": True},
        "linux": {
            "namespaces": [{"type": kind} for kind in ("user", "pid", "mount", "network", "uts", "ipc", "cgroup")],
            "uidMappings": ids, "gidMappings": ids, "cgroupsPath": cgroup, "resources": {"pids": {"limit": 512}},
            "maskedPaths": MASKED, "readonlyPaths": READ_ONLY,
            "seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
                        "syscalls": [{"names": DENIED, "action": "SCMP_ACT_ERRNO", "errnoRet": 1}]},
        },
    }


def make_bundle(directory, arguments, cgroup):
    """An OCI bundle whose root is empty but for links and the places where things are mounted."""
    root = os.path.join(directory, "rootfs")
    for path in ["/usr", "/proc", "/sys", "/dev", "/etc/ssl"] + WRITABLE:
        os.makedirs(root + path, exist_ok=True)
    for name, target in LINKS.items():
        os.symlink(target, os.path.join(root, name))
    for path in existing(VIEW):
        if os.path.isdir(path):
            os.makedirs(root + path, exist_ok=True)
        else:
            open(root + path, "w", encoding="utf-8").close()
    if os.geteuid() == 0:
        for parent, directories, files in os.walk(root):
            for name in [""] + directories + files:
                os.lchown(os.path.join(parent, name), FIRST_ID, FIRST_ID)
    with open(os.path.join(directory, "config.json"), "w", encoding="utf-8") as file:
        json.dump(oci_config(arguments, cgroup), file, indent=1)
