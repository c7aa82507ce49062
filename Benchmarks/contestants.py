# SPDX-License-Identifier: Apache-2.0
"""How one sandbox is run, checked and timed."""
import os
import shlex
import shutil
import subprocess
import sys
import time

import peers

KINDS = ["user", "pid", "mnt", "net", "uts", "ipc", "cgroup", "time"]
# Prints what isolation it finds and ends with a status that nothing else gives.
PROBE = ("for n in " + " ".join(KINDS) + "; do readlink /proc/self/ns/$n; done; "
         "grep -E '^(NoNewPrivs|Seccomp|CapBnd):' /proc/self/status; exit 77")
TRUE = ["/bin/true"]
UNIFIED = "/sys/fs/cgroup/unified"


def timed(command, descriptors=()):
    """Microseconds from spawn to reaped, or the wait status as a negative number."""
    actions = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)]
    actions += [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_WRONLY, 0) for stream in (1, 2)]
    for descriptor in descriptors:
        os.lseek(descriptor, 0, os.SEEK_SET)
    start = time.perf_counter_ns()
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
    _, status = os.waitpid(pid, 0)
    end = time.perf_counter_ns()
    return (end - start) / 1000 if status == 0 else -status


def serve():
    """Times the command of each line of input; see Runtime."""
    for line in sys.stdin:
        print(timed(shlex.split(line)), flush=True)


class Contestant:
    """A command line that runs a program in a sandbox."""

    def __init__(self, name, prefix, descriptors=(), note=""):
        self.name, self.prefix, self.descriptors, self.note = name, prefix, descriptors, note
        self.microseconds, self.error, self.isolation = [], None, ""

    def command(self, arguments):
        return self.prefix + arguments

    def check(self):
        """Runs the probe; whoever does not hand its status back has not run it."""
        try:
            result = subprocess.run(self.command(["/bin/sh", "-c", PROBE]), stdin=subprocess.DEVNULL, timeout=60,
                                    capture_output=True, text=True, errors="replace", pass_fds=self.descriptors,
                                    check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            self.error = str(error)
            return
        if result.returncode != 77:
            self.error = f"status {result.returncode}: " + (result.stderr.strip() or "no message")[-300:]
            return
        own = [kind for kind in KINDS if os.readlink(f"/proc/self/ns/{kind}") not in result.stdout]
        status = dict(line.split(":\t") for line in result.stdout.splitlines() if ":\t" in line)
        filtered = "filter" if status.get("Seccomp") == "2" else "no filter"
        caps = "no capabilities" if int(status.get("CapBnd", "1"), 16) == 0 else "capabilities kept"
        privileges = "no_new_privs" if status.get("NoNewPrivs") == "1" else "new privileges possible"
        self.isolation = f"{len(own)} namespaces ({', '.join(own)}), {caps}, {privileges}, {filtered}"

    def measure(self):
        return timed(self.command(TRUE), self.descriptors)

    def run(self, record):
        value = self.measure()
        if value < 0:
            self.error = f"wait status {-int(value):#x} in a timed run"
        elif record:
            self.microseconds.append(value)

    def close(self):
        pass


class Runtime(Contestant):
    """An OCI runtime: the program is in its bundle, and every container needs a name.

    crun refuses a hybrid cgroup layout. There it is timed by a process whose mount namespace lacks the unified hierarchy.
    """

    def __init__(self, name, program, work):
        super().__init__(name, [program])
        self.work = os.path.join(work, name)
        self.count = 0
        self.server = None
        for kind, arguments in (("probe", ["/bin/sh", "-c", PROBE]), ("true", TRUE)):
            peers.make_bundle(os.path.join(self.work, kind), arguments, f"/martinet/bench-{name}-{os.getpid()}")
        if name == "crun" and os.path.exists(f"{UNIFIED}/cgroup.controllers") and os.geteuid() == 0:
            self.note = f"run where {UNIFIED} is unmounted"
            self.without_unified = ["unshare", "--mount", "sh", "-c", f'umount {UNIFIED} && exec "$@"', "sh"]
            self.server = subprocess.Popen(self.without_unified + [sys.executable, __file__], stdin=subprocess.PIPE,
                                           stdout=subprocess.PIPE, text=True)

    def command(self, arguments):
        self.count += 1
        kind = "true" if arguments == TRUE else "probe"
        words = ["--root", f"{self.work}/state", "run", "--bundle", f"{self.work}/{kind}", f"c{self.count}"]
        return (self.without_unified if self.server and kind == "probe" else []) + self.prefix + words

    def measure(self):
        if not self.server:
            return super().measure()
        self.server.stdin.write(shlex.join(self.command(TRUE)) + "\n")
        self.server.stdin.flush()
        return float(self.server.stdout.readline())

    def close(self):
        if self.server:
            self.server.stdin.close()
            self.server.wait()


def make_contestants(options, work):
    everyone = [Contestant("martinet run", shlex.split(options.martinet))]
    filter_file = os.path.join(work, "filter")
    with open(filter_file, "wb") as file:
        file.write(peers.filter_program())
    descriptor = os.open(filter_file, os.O_RDONLY)
    os.dup2(descriptor, 9, inheritable=True)
    found = [("bwrap", "bwrap --unshare-all", peers.bwrap_plain, (), "no filter, no capability dropped by name"),
             ("bwrap", "bwrap, fullest", peers.bwrap_full, (9,), "descriptor 9: a filter as long as Martinet's"),
             ("unshare", "unshare", peers.unshare, (), "the host's files stay in sight"),
             ("systemd-nspawn", "systemd-nspawn", peers.nspawn, (), "")]
    for program, name, prefix, descriptors, note in found:
        path = shutil.which(program)
        words = prefix(work)
        each = Contestant(name, [path or program] + words[1:], descriptors, note)
        each.error = None if path else "not installed"
        everyone.append(each)
    for program in ("crun", "runc"):
        path = shutil.which(program)
        everyone.append(Runtime(program, path, work) if path else Contestant(program, [program]))
        if not path:
            everyone[-1].error = "not installed"
    everyone.append(Contestant("/bin/true itself", [], note="no sandbox: what a process costs at least"))
    return everyone


if __name__ == "__main__":
    serve()
