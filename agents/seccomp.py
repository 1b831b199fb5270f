"""A seccomp filter: system calls that a player never needs fail with EPERM.

No sockets, no processes, no programs, no look into other processes, no change of owners, modes or
times of files (which Landlock does not cover), no way out of the memory limit. Threads are allowed.
Called from a process that is about to run foreign code, so it imports little.
Source: https://www.kernel.org/doc/html/latest/userspace-api/seccomp_filter.html.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import platform
import struct

_ALLOW, _KILL_PROCESS, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_LOAD, _JUMP_EQUAL, _JUMP_ABOVE, _JUMP_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCH, _ARGUMENT = 0, 4, 16
_PR_SET_SECCOMP, _PR_GET_SECCOMP, _MODE_FILTER = 22, 21, 2
_CLONE_THREAD = 0x00010000
_X32 = 0x40000000
_PR_SET_PDEATHSIG = 1
_TIOCSTI, _TIOCLINUX, _FIOSETOWN, _SIOCSPGRP = 0x5412, 0x541C, 0x8901, 0x8902
_F_SETOWN, _F_SETSIG, _F_SETOWN_EX = 8, 10, 15

_DENIED = """
socket 41 198, connect 42 203, bind 49 200, listen 50 201, accept 43 202, accept4 288 242,
fork 57 -, vfork 58 -, execve 59 221, execveat 322 281, ptrace 101 117, tkill 200 130,
process_vm_readv 310 270, process_vm_writev 311 271, rt_sigqueueinfo 129 138,
rt_tgsigqueueinfo 297 240, pidfd_send_signal 424 424, pidfd_open 434 434, pidfd_getfd 438 438,
process_madvise 440 440, kcmp 312 272, chmod 90 -, fchmod 91 52, fchmodat 268 53,
fchmodat2 452 452, chown 92 -, lchown 94 -, fchown 93 55, fchownat 260 54, utime 132 -,
utimes 235 -, futimesat 261 -, utimensat 280 88, setxattr 188 5, lsetxattr 189 6, fsetxattr 190 7,
removexattr 197 14, lremovexattr 198 15, fremovexattr 199 16, link 86 -, linkat 265 37,
symlink 88 -, symlinkat 266 36, mknod 133 -, mknodat 259 33, mount 165 40, umount2 166 39,
pivot_root 155 41, chroot 161 51, unshare 272 97, setns 308 268, open_by_handle_at 304 265,
name_to_handle_at 303 264, mount_setattr 442 442, move_mount 429 429, open_tree 428 428,
fsopen 430 430, fsmount 432 432, fsconfig 431 431, fspick 433 433, memfd_create 319 279,
memfd_secret 447 447, shmget 29 194, shmat 30 196, shmctl 31 195, msgget 68 186, msgsnd 69 189,
msgrcv 70 188, msgctl 71 187, semget 64 190, semop 65 193, semtimedop 220 192, semctl 66 191,
mq_open 240 180, mq_unlink 241 181, keyctl 250 219, add_key 248 217, request_key 249 218,
bpf 321 280, perf_event_open 298 241, userfaultfd 323 282, io_uring_setup 425 425,
io_uring_enter 426 426, io_uring_register 427 427, fanotify_init 300 262, setuid 105 146,
setgid 106 144, setreuid 113 145, setregid 114 143, setresuid 117 147, setresgid 119 149,
setgroups 116 159, setfsuid 122 151, setfsgid 123 152, capset 126 91, personality 135 92,
quotactl 179 60, acct 163 89, syslog 103 116, reboot 169 142, swapon 167 224, swapoff 168 225,
init_module 175 105, finit_module 313 273, delete_module 176 106, kexec_load 246 104,
kexec_file_load 320 294, sethostname 170 161, setdomainname 171 162, settimeofday 164 170,
clock_settime 227 112, clock_adjtime 305 266, adjtimex 159 171, iopl 172 -, ioperm 173 -,
modify_ldt 154 -, vhangup 153 58, setpriority 141 140, ioprio_set 251 30,
sched_setscheduler 144 119, sched_setparam 142 118, sched_setattr 314 274, move_pages 279 239,
migrate_pages 256 238
"""
"""Calls that always fail: name, number on x86_64, number on aarch64, `-` where there is none."""
_LOOKED_AT = """
clone 56 220, clone3 435 435, kill 62 129, tgkill 234 131, prctl 157 167, prlimit64 302 261,
ioctl 16 29, fcntl 72 25, sched_setaffinity 203 122
"""
"""Calls that fail for some arguments."""
_MACHINES = {"x86_64": (0xC000003E, 1), "aarch64": (0xC00000B7, 2)}
"""The kernel's number of each architecture, and its column above."""


def available() -> bool:
    """Gives whether a filter can be installed here: the kernel has them, the machine is known."""
    known = platform.machine() in _MACHINES
    return known and int(_LIBC.prctl(_PR_GET_SECCOMP, 0, 0, 0, 0)) >= 0


def denied() -> dict[str, int]:
    """Gives the calls that always fail, name to number on this machine."""
    return _numbers(_DENIED)


def install() -> None:
    """Filters the calls of this process, and of its threads to come, for ever.

    Raises:
        OSError: when the kernel refuses; `no_new_privs` must be set before.
    """
    program = _program(os.getpid())
    buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("<HxxxxxxQ", len(program) // 8, ctypes.addressof(buffer))
    if _LIBC.prctl(_PR_SET_SECCOMP, _MODE_FILTER, header, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, f"seccomp: {os.strerror(number)}")


@functools.cache
def prepare() -> bytes:
    """Gives the part of the filter that is the same for every process; kept for those forked."""
    refuse = _op(_RETURN, _ERRNO | errno.EPERM)
    return b"".join(_op(_JUMP_EQUAL, number, 0, 1) + refuse for number in denied().values())


@functools.cache
def _numbers(table: str) -> dict[str, int]:
    column = _MACHINES[platform.machine()][1]
    rows = [row.split() for row in table.split(",")]
    return {row[0]: int(row[column]) for row in rows if row[column] != "-"}


def _program(pid: int) -> bytes:
    """Gives the filter as instructions of classic BPF, 8 bytes each."""
    refuse = _ERRNO | errno.EPERM
    call = _numbers(_LOOKED_AT)
    code = [
        _op(_LOAD, _ARCH),
        _op(_JUMP_EQUAL, _MACHINES[platform.machine()][0], 1, 0),
        _op(_RETURN, _KILL_PROCESS),
        _op(_LOAD, _NUMBER),
        _op(_JUMP_ABOVE, _X32, 0, 1),
        _op(_RETURN, refuse),
        *_unless_bits(call["clone"], _CLONE_THREAD),
        # glibc falls back to clone, whose flags a filter can see.
        _op(_JUMP_EQUAL, call["clone3"], 0, 1),
        _op(_RETURN, _ERRNO | errno.ENOSYS),
        *_only(call["kill"], (pid,)),
        *_only(call["tgkill"], (pid,)),
        *_only(call["prlimit64"], (0, pid)),
        *_only(call["sched_setaffinity"], (0, pid)),
        *_never(call["prctl"], 0, (_PR_SET_PDEATHSIG,)),
        # An owner of a file descriptor gets any signal that its setter likes.
        *_never(call["fcntl"], 1, (_F_SETOWN, _F_SETSIG, _F_SETOWN_EX)),
        *_never(call["ioctl"], 1, (_TIOCSTI, _TIOCLINUX, _FIOSETOWN, _SIOCSPGRP)),
    ]
    return b"".join([*code, prepare(), _op(_RETURN, _ALLOW)])


def _unless_bits(number: int, bits: int) -> list[bytes]:
    """Refuses a call whose first argument lacks `bits`."""
    return [
        _op(_JUMP_EQUAL, number, 0, 4),
        _op(_LOAD, _ARGUMENT),
        _op(_JUMP_BITS, bits, 1, 0),
        _op(_RETURN, _ERRNO | errno.EPERM),
        _op(_RETURN, _ALLOW),
    ]


def _only(number: int, allowed: tuple[int, ...]) -> list[bytes]:
    """Refuses a call whose first argument is none of `allowed`."""
    tests = [_op(_JUMP_EQUAL, v, len(allowed) - i, 0) for i, v in enumerate(allowed)]
    return [
        _op(_JUMP_EQUAL, number, 0, len(allowed) + 3),
        _op(_LOAD, _ARGUMENT),
        *tests,
        _op(_RETURN, _ERRNO | errno.EPERM),
        _op(_RETURN, _ALLOW),
    ]


def _never(number: int, argument: int, refused: tuple[int, ...]) -> list[bytes]:
    """Refuses a call whose argument of that place, from 0, is one of `refused`."""
    tests = [_op(_JUMP_EQUAL, v, len(refused) - i, 0) for i, v in enumerate(refused)]
    return [
        _op(_JUMP_EQUAL, number, 0, len(refused) + 3),
        _op(_LOAD, _ARGUMENT + 8 * argument),
        *tests,
        _op(_RETURN, _ALLOW),
        _op(_RETURN, _ERRNO | errno.EPERM),
    ]


def _op(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("<HBBI", code, then, otherwise, value)


_LIBC = ctypes.CDLL(None, use_errno=True)
