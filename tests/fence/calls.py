"""A program of file system calls that prints what each gives: run twice, with and without a fence, it must print the same. Not a test itself."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import signal
import socket
import stat
import sys
import threading
from collections.abc import Callable

libc = ctypes.CDLL(None, use_errno=True)
AT_FDCWD = -100


def say(*words: object) -> None:
    """One line."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")


def show(label: str, call: Callable[..., object], *arguments: object, **named: object) -> object:
    """What a call gives, or the errno it fails with."""
    try:
        result = call(*arguments, **named)
    except OSError as error:
        say(label, errno.errorcode[error.errno or 0])
        return None
    say(label, "ok" if not isinstance(result, (str, bytes, int, tuple)) or isinstance(result, bool) else ("fd" if call is os.open else result))
    return result


def content(path: str) -> str:
    """What is in a file."""
    with open(path) as file:
        return file.read()


def opened(label: str, path: str, flags: int, mode: int = 0o666, **named: int) -> None:
    """What an open gives, and what is known of the descriptor."""
    fd = show(label, os.open, path, flags, mode, **named)
    if isinstance(fd, int):
        info = os.fstat(fd)
        kept = fcntl.fcntl(fd, fcntl.F_GETFL) & (os.O_ACCMODE | os.O_APPEND | os.O_NONBLOCK | os.O_DIRECT)
        say(label, oct(info.st_mode), info.st_uid == os.geteuid(), info.st_size, oct(kept), os.get_inheritable(fd))
        os.close(fd)


def raw(label: str, name: str, *arguments: object) -> None:
    """A function of the C library with arguments that Python would not pass."""
    ctypes.set_errno(0)
    result = getattr(libc, name)(*arguments)
    say(label, errno.errorcode.get(ctypes.get_errno(), "?") if result < 0 else "ok")


def flags() -> None:
    """Flags, modes and umasks."""
    for mask in (0o000, 0o022, 0o077, 0o777):
        os.umask(mask)
        opened(f"create {mask:o}", f"made-{mask:o}", os.O_CREAT | os.O_WRONLY)
        os.umask(mask ^ 0o050)
        show(f"mkfifo {mask:o}", os.mkfifo, f"fifo-{mask:o}")
        os.umask(mask)
        show(f"mkdir {mask:o}", os.mkdir, f"dir-{mask:o}")
        say(oct(os.stat(f"dir-{mask:o}").st_mode), oct(os.stat(f"fifo-{mask:o}").st_mode))
    os.umask(0o022)
    with open("file", "w") as file:
        file.write("content")
    for text in ("O_RDONLY", "O_WRONLY", "O_RDWR"):
        access = getattr(os, text)
        for extra in ("O_CREAT", "O_EXCL", "O_TRUNC", "O_APPEND", "O_NONBLOCK", "O_DIRECTORY", "O_NOFOLLOW", "O_PATH", "O_CLOEXEC", "O_SYNC", "O_NOATIME"):
            opened(f"{text} {extra}", "file", access | getattr(os, extra))
            opened(f"{text} {extra} absent", "absent", access | getattr(os, extra))
            opened(f"{text} {extra} directory", "dir-0", access | getattr(os, extra))
            if extra == "O_CREAT" and os.path.exists("absent"):
                os.unlink("absent")
    opened("exclusive", "file", os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    opened("exclusive new", "exclusive", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o640)
    opened("no rights", "no-rights", os.O_CREAT | os.O_RDWR, 0)
    opened("no rights again", "no-rights", os.O_RDWR)
    opened("temporary", ".", os.O_TMPFILE | os.O_RDWR, 0o600)
    opened("temporary in a file", "file", os.O_TMPFILE | os.O_RDWR, 0o600)
    opened("temporary, read only", ".", os.O_TMPFILE | os.O_RDONLY, 0o600)
    opened("rubbish in the flags", "file", os.O_WRONLY | 0x40000000)
    opened("access mode 3", "file", 3)


def names() -> None:
    """Odd names."""
    for text in ("file/", "file/x", "dir-0/", "dir-0/.", "dir-0/..", ".", "..", "/", "", "absent/x", "dir-0//x", "./x1", "x" * 255, "y" * 256, "z/" * 2100):
        for label, access in (("create", os.O_CREAT | os.O_WRONLY), ("write", os.O_WRONLY)):
            opened(f"{label} {text[:20]!r}", text, access)
        show(f"mkdir {text[:20]!r}", os.mkdir, text)
        show(f"symlink {text[:20]!r}", os.symlink, "x", text)
        if text != "/":
            show(f"rename {text[:20]!r}", os.rename, text, "renamed")
            show(f"rename onto {text[:20]!r}", os.rename, "renamed", text)
        if text not in ("..", "/"):  # these are on other mounts inside
            show(f"link {text[:20]!r}", os.link, text, "linked")
        show(f"truncate {text[:20]!r}", os.truncate, text, 3)
        show(f"mkfifo {text[:20]!r}", os.mkfifo, text)
    long = "/".join(["d" * 200] * 19)
    here = os.getcwd()
    for part in long.split("/"):
        os.mkdir(part)
        os.chdir(part)
    opened("deep", "file", os.O_CREAT | os.O_WRONLY)
    os.chdir(here)
    say(len(long), 4095 - len(long))
    opened("long", f"{long}/{'n' * 200}", os.O_CREAT | os.O_WRONLY)
    opened("too long", f"{long}/{'n' * 200}/{'n' * 200}", os.O_CREAT | os.O_WRONLY)


def links() -> None:
    """Symbolic links."""
    os.symlink("target", "dangling")
    opened("through a dangling link", "dangling", os.O_CREAT | os.O_WRONLY)
    say(os.path.exists("target"), os.path.islink("dangling"))
    opened("not through it", "dangling", os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    opened("not following", "dangling", os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW)
    os.symlink("dir-0", "way")
    opened("through a folder's link", "way/inside", os.O_CREAT | os.O_WRONLY)
    opened("the folder's link itself", "way", os.O_WRONLY | os.O_DIRECTORY)
    opened("with a slash", "way/", os.O_WRONLY)
    os.symlink(os.path.abspath("dir-0/absolute"), "absolute")
    opened("an absolute link", "absolute", os.O_CREAT | os.O_WRONLY)
    for number in range(45):
        os.symlink(f"chain-{number + 1}", f"chain-{number}")
    opened("forty-five links", "chain-0", os.O_CREAT | os.O_WRONLY)
    opened("forty links", "chain-5", os.O_CREAT | os.O_WRONLY)
    opened("thirty-nine links", "chain-6", os.O_CREAT | os.O_WRONLY)
    os.symlink("loop", "loop")
    opened("a loop", "loop", os.O_CREAT | os.O_WRONLY)
    opened("a loop on the way", "loop/x", os.O_CREAT | os.O_WRONLY)
    show("truncate through a link", os.truncate, "way/inside", 5)
    say(os.stat("dir-0/inside").st_size)
    show("rename a link", os.rename, "way", "way2")
    show("link to a link", os.link, "way2", "way3", follow_symlinks=False)
    say(os.path.islink("way3"))
    show("link through a link", os.link, "dangling", "second", follow_symlinks=True)
    say(os.path.islink("second"), os.stat("second").st_nlink)
    show("an empty link", os.symlink, "", "x")


def directories() -> None:
    """Where paths start."""
    folder = os.open("dir-0", os.O_RDONLY | os.O_DIRECTORY)
    plain = os.open("file", os.O_RDONLY)
    opened("at a folder", "at", os.O_CREAT | os.O_WRONLY, dir_fd=folder)
    opened("at a file", "at", os.O_CREAT | os.O_WRONLY, dir_fd=plain)
    opened("above a folder", "../above", os.O_CREAT | os.O_WRONLY, dir_fd=folder)
    opened("absolute at a file", os.path.abspath("absolute2"), os.O_CREAT | os.O_WRONLY, dir_fd=plain)
    opened("at nothing", "at", os.O_CREAT | os.O_WRONLY, dir_fd=999)
    show("rename between", os.rename, "at", "moved", src_dir_fd=folder, dst_dir_fd=os.open(".", os.O_RDONLY))
    show("mkdir at", os.mkdir, "inner", dir_fd=folder)
    os.mkdir("gone")
    os.chdir("gone")
    os.rmdir("../gone")
    opened("in a folder that is gone", "x", os.O_CREAT | os.O_WRONLY)
    show("mkdir in a folder that is gone", os.mkdir, "x")
    os.chdir(BASE)
    os.mkdir("closed", 0o300)
    opened("in a folder without reading", "closed/x", os.O_CREAT | os.O_WRONLY)
    os.mkdir("readable", 0o500)
    opened("in a folder without writing", "readable/x", os.O_CREAT | os.O_WRONLY)
    os.mkdir("locked", 0o000)
    opened("in a folder without anything", "locked/x", os.O_CREAT | os.O_WRONLY)


def moves() -> None:
    """Renaming and linking."""
    for name in ("a", "b"):
        with open(name, "w") as file:
            file.write(name)
    raw("exchange", "renameat2", AT_FDCWD, b"a", AT_FDCWD, b"b", 2)
    say(content("a"), content("b"))
    raw("no replace", "renameat2", AT_FDCWD, b"a", AT_FDCWD, b"b", 1)
    raw("no replace, new", "renameat2", AT_FDCWD, b"a", AT_FDCWD, b"c", 1)
    raw("both", "renameat2", AT_FDCWD, b"c", AT_FDCWD, b"b", 3)
    raw("unknown", "renameat2", AT_FDCWD, b"c", AT_FDCWD, b"b", 64)
    os.makedirs("full/x")
    os.makedirs("empty")
    show("onto a full folder", os.rename, "empty", "full")
    show("into itself", os.rename, "full", "full/x/y")
    show("a file onto a folder", os.rename, "c", "empty")
    show("a folder onto a file", os.rename, "empty", "c")
    show("onto an empty folder", os.rename, "full", "empty")
    show("to another file system", os.rename, "c", "/dev/shm/c")
    show("a link to another file system", os.link, "c", "/dev/shm/c")
    show("onto itself", os.rename, "c", "c")
    show("a folder linked", os.link, "empty", "hard")
    fd = os.open(".", os.O_TMPFILE | os.O_RDWR, 0o600)
    os.write(fd, b"unnamed")
    raw("an unnamed file gets a name", "linkat", AT_FDCWD, f"/proc/self/fd/{fd}".encode(), AT_FDCWD, b"named", 0x400)
    say(content("named"))
    raw("rubbish in the flags", "linkat", AT_FDCWD, b"c", AT_FDCWD, b"c2", 8)


def nodes() -> None:
    """What is no ordinary file."""
    show("a FIFO", os.mkfifo, "fifo", 0o640)
    say(oct(os.stat("fifo").st_mode))
    opened("nobody reads", "fifo", os.O_WRONLY | os.O_NONBLOCK)
    opened("both ends", "fifo", os.O_RDWR)
    show("a plain node", os.mknod, "node", 0o600)
    show("a socket node", os.mknod, "socket-node", 0o600 | stat.S_IFSOCK)
    opened("a socket is opened", "socket-node", os.O_RDWR)
    show("no such kind", os.mknod, "kind", 0o600 | 0o150000)
    listener = socket.socket(socket.AF_UNIX)
    show("bind", listener.bind, "bound")
    pid = os.fork()
    if pid == 0:
        fd = os.open("fifo", os.O_WRONLY)
        os.write(fd, b"through the FIFO")
        os._exit(0)
    with open("fifo", "rb") as reader:
        say(reader.read())
    os.waitpid(pid, 0)

    class RangError(Exception):
        pass

    def ring(*_: object) -> None:
        raise RangError

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        os.open("fifo", os.O_WRONLY)
    except RangError:
        say("interrupted")


def readers() -> None:
    """Reading, of what is there and of what is only there for the caller."""
    for path in (
        "/proc/self/stat",
        "/proc/self/exe",
        "/proc/self",
        "/proc/self/fd",
        "/proc/self/ns/net",
        "/proc/mounts",
        "/proc/self/environ",
        "/proc",
        "/dev/zero",
    ):
        opened(path, path, os.O_RDONLY)
    say(content("/proc/self/stat").split()[0] == str(os.getpid()), content("/proc/thread-self/comm") == content("/proc/self/comm"))
    say(sorted(os.listdir("/proc/self/task")) == [str(threading.get_native_id())], len(os.listdir(".")) > 0)
    pid = os.fork()
    if pid == 0:
        signal.pause()
    opened("another's status", f"/proc/{pid}/status", os.O_RDONLY)
    opened("another's folder", f"/proc/{pid}", os.O_RDONLY | os.O_DIRECTORY)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.mkfifo("pipe")
    opened("nobody writes", "pipe", os.O_RDONLY | os.O_NONBLOCK)
    held = os.open("pipe", os.O_RDWR)
    opened("somebody may write", "pipe", os.O_RDONLY)
    os.close(held)
    pid = os.fork()
    if pid == 0:
        os.close(os.open("pipe", os.O_WRONLY))
        os._exit(0)
    opened("somebody came and went", "pipe", os.O_RDONLY)
    os.waitpid(pid, 0)
    opened("a pipe again", f"/proc/self/fd/{os.pipe()[0]}", os.O_RDONLY)


def proc() -> None:
    """Devices, and what the caller alone means by a path."""
    opened("comm", "/proc/self/comm", os.O_WRONLY)
    with open("/proc/self/comm", "w") as file:
        file.write("renamed")
    say(content("/proc/self/comm").strip())
    with open("/proc/thread-self/comm", "w") as file:
        file.write("thread")
    opened("oom", "/proc/self/oom_score_adj", os.O_WRONLY)
    opened("memory", "/proc/self/mem", os.O_RDWR)
    opened("null", "/dev/null", os.O_WRONLY)
    opened("null, cut", "/dev/null", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    opened("full", "/dev/full", os.O_RDWR)
    opened("no such descriptor", "/proc/self/fd/999", os.O_WRONLY)
    opened("in proc", "/proc/self/new", os.O_CREAT | os.O_WRONLY)
    opened("a folder of proc", "/proc/self/fd", os.O_WRONLY)
    opened("proc itself", "/proc/self", os.O_WRONLY)
    show("mkdir in proc", os.mkdir, "/proc/self/new")
    read, write = os.pipe()
    opened("a pipe again", f"/proc/self/fd/{write}", os.O_WRONLY)
    opened("a pipe's other end", f"/dev/fd/{read}", os.O_WRONLY)
    fd = os.open("file", os.O_RDONLY)
    opened("a file again, for writing", f"/proc/self/fd/{fd}", os.O_RDWR)
    opened("not following", f"/proc/self/fd/{fd}", os.O_RDWR | os.O_NOFOLLOW)
    opened("cut through proc", f"/dev/fd/{fd}", os.O_WRONLY | os.O_TRUNC)
    say(os.stat("file").st_size)
    opened("by the working folder", "/proc/self/cwd/by-cwd", os.O_CREAT | os.O_WRONLY)
    folder = os.open("dir-0", os.O_RDONLY)
    opened("by a folder's descriptor", f"/proc/self/fd/{folder}/by-fd", os.O_CREAT | os.O_WRONLY)
    memory = os.memfd_create("memory")
    opened("memory again", f"/proc/self/fd/{memory}", os.O_RDWR)
    os.unlink(os.path.abspath("by-cwd"))
    deleted = os.open("deleted", os.O_CREAT | os.O_RDONLY)
    os.unlink("deleted")
    opened("a deleted file again", f"/proc/self/fd/{deleted}", os.O_RDWR)
    opened("a terminal that is not there", "/dev/tty", os.O_RDWR)
    master, slave = os.openpty()
    os.close(os.open(os.ttyname(slave), os.O_RDWR | os.O_NOCTTY))
    pid = os.fork()
    if pid == 0:
        os.setsid()
        fcntl.ioctl(slave, 0x540E, 0)
        fd = os.open("/dev/tty", os.O_RDWR)
        os.write(fd, b"by the terminal\n")
        os._exit(0)
    os.waitpid(pid, 0)
    say(os.read(master, 100))


def threads() -> None:
    """Callers that are not plain processes."""
    os.makedirs("one/two")

    def apart() -> None:
        libc.unshare(0x200)  # CLONE_FS
        os.chdir("one/two")
        os.umask(0o077)
        with open("here", "w"):
            pass

    thread = threading.Thread(target=apart)
    thread.start()
    thread.join()
    with open("there", "w"):
        pass
    say(oct(os.stat("one/two/here").st_mode), oct(os.stat("there").st_mode))
    pid = os.fork()
    if pid == 0:
        libc.prctl(4, 0, 0, 0, 0)
        with open("by a process that cannot be looked into", "w") as file:
            file.write("x")
        os._exit(0)
    say(os.waitpid(pid, 0)[1])


def limits() -> None:
    """Limits and bad pointers."""
    import resource

    with open("file", "w") as file:
        file.write("x" * 100)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    show("beyond the limit", os.truncate, "file", 5000)
    show("within it", os.truncate, "file", 900)
    show("shorter", os.truncate, "file", 1)
    show("negative", os.truncate, "file", -1)
    resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
    held = []
    try:
        while True:
            held.append(os.open("file", os.O_RDWR))
    except OSError as error:
        say("no room", errno.errorcode[error.errno or 0])
    for fd in held:
        os.close(fd)
    raw("a bad pointer", "open", ctypes.c_void_p(8), os.O_WRONLY)
    raw("another", "mkdir", ctypes.c_void_p(-4096), 0o777)
    raw("a bad second", "rename", b"file", ctypes.c_void_p(8))


BASE = sys.argv[1]
os.chdir(BASE)
for part in (flags, names, links, directories, moves, nodes, readers, proc, threads, limits):
    say("==", part.__name__)
    os.umask(0o022)
    os.chdir(BASE)
    sys.stdout.flush()
    part()
