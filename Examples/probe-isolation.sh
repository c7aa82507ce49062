#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prints what this process can see of its surroundings, a line "name<TAB>value" each. Needs only sh, /proc and coreutils.
LC_ALL=C
export LC_ALL
tab=$(printf '\t')
say() { printf '%s%s%s\n' "$1" "$tab" "$2"; }
field() { sed -n "s/^$1:[[:space:]]*//p" /proc/self/status | tr '\t' ' '; }
count() { wc -l | tr -d ' '; }
# Namespace identities are inode numbers: different numbers are different namespaces.
namespace() { readlink "/proc/self/ns/$1" | tr -cd '0-9'; }
# Whether an action succeeds, in this process's eyes.
can() { if "$@" > /dev/null 2>&1; then echo yes; else echo no; fi; }

ids=0
root=nobody
while read -r inside outside length; do
    ids=$((ids + length))
    [ "$inside" != 0 ] || root="uid $outside"
done < /proc/self/uid_map
say "user" "$(id -u):$(id -g), of $ids ids"
say "root here is, outside" "$root"
say "process id" "$$"
say "processes in sight" "$(ls /proc | grep -c '^[0-9]')"
say "mounts in sight" "$(count < /proc/self/mountinfo)"
say "root is writable" "$(can sh -c 'f=/.probe.$$; : > $f && rm $f')"
say "names in /" "$(ls / | tr '\n' ' ')"
say "in /home and /root" "$(ls -A /home /root 2> /dev/null | grep -v ':$' | grep -c .) names"
say "names in /dev" "$(ls /dev | count)"
say "network interfaces" "$(sed -n 's/^ *\([^:]*\):.*/\1/p' /proc/net/dev | tr '\n' ' ')"
say "routes" "$(tail -n +2 /proc/net/route | count)"
say "host name" "$(cat /proc/sys/kernel/hostname)"
say "open descriptors" "$(for f in /proc/$$/fd/*; do printf '%s ' "${f##*/}"; done)"
say "environment" "$(env | cut -d= -f1 | grep -v '^_$' | count) variables"
say "cgroup" "$(sed 's/^[^:]*:[^:]*://' /proc/self/cgroup | sort -u | tr '\n' ' ')"
say "capabilities" "$(field CapEff), bounding $(field CapBnd)"
say "no_new_privs" "$(field NoNewPrivs)"
case $(field Seccomp) in
    0) say "system-call filter" "none" ;;
    2) say "system-call filter" "yes, $(field Seccomp_filters)" ;;
    *) say "system-call filter" "$(field Seccomp)" ;;
esac
say "can make namespaces" "$(can unshare --user true)"
say "can read /proc/kcore" "$(can head -c 1 /proc/kcore)"
say "can write sysctls" "$(can test -w /proc/sys/kernel/core_pattern)"
say "uptime" "$(cut -d. -f1 /proc/uptime) s"
for kind in user pid mnt net uts ipc cgroup time; do say "$kind namespace" "$(namespace $kind)"; done
