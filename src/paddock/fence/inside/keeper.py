"""Process 1 inside the fence.

It starts commands, reaps whatever is left without a parent, and ends the fence when the supervisor goes away or the main command has ended: process 1 is the
one whose end makes the kernel end every other process of the fence (pid_namespaces(7)).

Standard library only, and nothing of ours: everything it needs is handed in, already open. From the first command on it opens no file, so that no filter of
the fence can hold it up, and it answers only to the other end of its control socket.

The protocol has one message per packet (``SOCK_SEQPACKET``). Requests are ``REQUEST``: operation, id, one number; a spawn brings four descriptors or more: what
becomes 0, 1 and 2, a memory file with the command's words, and what else is passed on. Answers are ``ANSWER``: kind, id, two numbers, then bytes.

Every command has a process group of its own. Where the fence has a terminal, this process leads its session, and there is job control (termios(3)): a command
in the foreground may read and the terminal's keys act on it, one in the background is stopped as soon as it wants to read.
"""

from __future__ import annotations

import _socket
import ctypes
import errno
import fcntl
import os
import resource
import select
import signal
import struct
import sys

__all__ = [
    "ANSWER",
    "ANSWERED",
    "DIAL",
    "EXITED",
    "FOREGROUND",
    "KEY",
    "LISTENERS",
    "MAIN",
    "MOST_PASSED",
    "NAME",
    "REQUEST",
    "RESUME",
    "SIGNAL",
    "SPAWN",
    "STOPPED",
    "USAGE",
    "WORDS",
    "Keeper",
    "disguise",
]

NAME = b"paddock-keeper"

REQUEST = struct.Struct("=BIq")
SPAWN = 1
"""Number: flags, the next two. Answer: the process id, or -1, the errno and the part that failed (``cwd``, ``words``, ``exec``, ``descriptors``)."""
MAIN = 1
"""The fence ends with this command."""
FOREGROUND = 2
"""It starts in the foreground of the terminal."""
SIGNAL = 2
"""Number: the signal. No answer."""
DIAL = 3
"""Number: the port. Answer: 0 with a descriptor, or -1 and the errno."""
LISTENERS = 4
"""Answer: the first ``MOST_PORTS`` ports, packed as 16 bit numbers in host order."""
MOST_PORTS = 128
"""Whoever publishes them opens two sockets for each; and a packet that is larger than its reader expects is cut off."""
KEY = 5
"""Number: the signal, for the process group of the main command, as the terminal would send it. No answer."""
RESUME = 6
"""Number: 1 in the foreground of the terminal, 0 in the background. Continues the main command. No answer."""
USAGE = 9
"""Answer: what processes took that ended and were waited for: processor time in microseconds, and bytes that they caused to be written (getrusage(2))."""

ANSWER = struct.Struct("=BIqq")
ANSWERED = 1
EXITED = 2
"""Process id and wait status of a command. Id 0."""
STOPPED = 3
"""Process id and signal that stopped a command, only with a terminal. Id 0."""

WORDS = struct.Struct("=IIiQ")
"""Head of the memory file of a spawn: number of arguments, of variables, umask, and the ignored signals (bit 0 is signal 1). Then working directory, arguments,
``NAME=value``, and in decimal the numbers that the further descriptors get, each ended by NUL.
"""
MOST_PASSED = 32

FD = struct.Struct("=i")
BLOCK = 512
DEFAULT_PATH = b"/usr/local/bin:/usr/bin:/bin"
DIAL_MILLISECONDS = 50
LOOPBACKS = ((_socket.AF_INET, "127.0.0.1"), (_socket.AF_INET6, "::1"))
TCP_LISTEN = b"0A"
ALL_SIGNALS = tuple(n for n in range(1, 65) if n not in (32, 33))  # 32 and 33 belong to the C library (nptl(7))


def _table_form(family: int, address: str) -> bytes:
    """An address as ``/proc/net/tcp`` writes it: 32 bit words in host order (proc(5))."""
    raw = _socket.inet_pton(family, address)
    return b"".join(b"%08X" % int.from_bytes(raw[at : at + 4], sys.byteorder) for at in range(0, len(raw), 4))


REACHABLE = frozenset(_table_form(_socket.AF_INET6 if ":" in a else _socket.AF_INET, a) for a in ("0.0.0.0", "127.0.0.1", "::", "::1", "::ffff:127.0.0.1"))  # noqa: S104 -- compared, not bound


def disguise(stat: bytes) -> None:
    """Show a command line of our own, and wipe the inherited one and the environment below it.

    ``stat`` is ``/proc/self/stat``, whose fields 48 and 51 are the ends of that memory (proc(5)). It is this process's own copy; the supervisor's stays.
    """
    fields = stat.rpartition(b")")[2].split()
    start, end = int(fields[45]), int(fields[48])
    os.environ.clear()
    if start and end > start + len(NAME):
        ctypes.memset(start, 0, end - start)
        ctypes.memmove(start, NAME, len(NAME))


class Keeper:
    """``control`` is its end of the control socket, ``signals`` a signalfd(2) for SIGCHLD, ``tables`` are open ``/proc/net/tcp`` files, ``terminal`` is the
    terminal of this session or -1.
    """

    def __init__(self, control: int, signals: int, tables: tuple[int, ...], terminal: int = -1) -> None:
        self._control = _socket.socket(fileno=control)
        self._signals = signals
        self._tables = tables
        self._terminal = terminal
        self._commands: dict[int, bool] = {}

    def run(self) -> None:
        """Serve until the supervisor is gone or the main command has ended. Leave the process afterwards."""
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(self._signals, select.POLLIN)
        going = True
        while going:
            for fd, _ in poll.poll():
                going = going and (self._reap() if fd == self._signals else self._serve())

    def _serve(self) -> bool:
        data, fds = self._receive()
        if not data:
            return False
        operation, request, number = REQUEST.unpack(data)
        if operation == SPAWN:
            self._spawn(request, number, fds)
        elif operation == SIGNAL:
            self._signal_all(number)
        elif operation == KEY:
            self._to_group(number)
        elif operation == RESUME:
            self._resume(foreground=bool(number))
        elif operation == DIAL:
            self._dial(request, number)
        elif operation == LISTENERS:
            ports = self._listening()[:MOST_PORTS]
            self._answer(request, 0, 0, struct.pack(f"={len(ports)}H", *ports))
        elif operation == USAGE:
            taken = resource.getrusage(resource.RUSAGE_CHILDREN)
            self._answer(request, int((taken.ru_utime + taken.ru_stime) * 1_000_000), taken.ru_oublock * BLOCK)
        return True

    def _receive(self) -> tuple[bytes, list[int]]:
        data, ancillary, _, _ = self._control.recvmsg(REQUEST.size, _socket.CMSG_SPACE((4 + MOST_PASSED) * FD.size), _socket.MSG_CMSG_CLOEXEC)
        received = b"".join(payload for level, kind, payload in ancillary if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS)
        return data, [fd for (fd,) in FD.iter_unpack(received)]

    def _answer(self, request: int, first: int, second: int, extra: bytes = b"", kind: int = ANSWERED) -> None:
        self._control.send(ANSWER.pack(kind, request, first, second) + extra)

    def _reap(self) -> bool:
        os.read(self._signals, 4096)
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG if self._terminal < 0 else os.WNOHANG | os.WUNTRACED)
            except ChildProcessError:
                return True
            if pid == 0:
                return True
            if os.WIFSTOPPED(status):
                if pid in self._commands:
                    self._answer(0, pid, os.WSTOPSIG(status), kind=STOPPED)
                continue
            main = self._commands.pop(pid, None)
            if main:
                self._signal_all(signal.SIGKILL)
            if main is not None:
                self._answer(0, pid, status, kind=EXITED)
            if main:
                return False

    @staticmethod
    def _signal_all(number: int) -> None:
        try:
            os.kill(-1, number)
        except ProcessLookupError:
            return  # nobody is left

    def _to_group(self, number: int) -> None:
        for pid in (pid for pid, main in self._commands.items() if main):
            os.killpg(os.getpgid(pid), number)

    def _resume(self, *, foreground: bool) -> None:
        for pid in (pid for pid, main in self._commands.items() if main):
            try:
                # Allowed from the background because SIGTTOU is ignored here (tcsetpgrp(3)).
                os.tcsetpgrp(self._terminal, os.getpgid(pid) if foreground else os.getpgrp())
            except OSError:
                break  # the terminal has hung up, or the command has left this session: nothing to give away
        self._to_group(signal.SIGCONT)

    def _spawn(self, request: int, flags: int, fds: list[int]) -> None:
        stdio, words, further = fds[:3], fds[3], fds[4:]
        part = b"cwd"
        try:
            argc, count, mask, ignored = WORDS.unpack(os.pread(words, WORDS.size, 0))
            texts = os.pread(words, os.fstat(words).st_size, WORDS.size).split(b"\0")
            os.umask(mask)
            os.chdir(texts[0])
            part = b"descriptors"
            actions = [*zip(stdio, range(3), strict=True), *_lifted(further, [int(text) for text in texts[1 + argc + count : -1]], fds)]
            part = b"exec"
            pid = _start(texts[1 : 1 + argc], texts[1 + argc : 1 + argc + count], actions, tuple(n for n in ALL_SIGNALS if not ignored >> (n - 1) & 1))
        except ValueError:
            self._answer(request, -1, errno.EINVAL, b"words")  # a variable whose name the C library does not take
        except OSError as error:
            self._answer(request, -1, error.errno or errno.EIO, part)
        else:
            self._commands[pid] = bool(flags & MAIN)
            if flags & FOREGROUND:
                # It may have asked for the terminal before it was its turn, and have been stopped for it: nobody has looked for that yet.
                self._resume(foreground=True)
            self._answer(request, pid, 0)
        finally:
            os.chdir("/")
            for fd in fds:
                os.close(fd)

    def _dial(self, request: int, port: int) -> None:
        try:
            connection = _connect(port)
        except OSError as error:
            self._answer(request, -1, error.errno or errno.EIO)
            return
        rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, FD.pack(connection.fileno()))]
        self._control.sendmsg([ANSWER.pack(ANSWERED, request, 0, 0)], rights)
        connection.close()

    def _listening(self) -> list[int]:
        return sorted({port for table in self._tables for port in _listening_in(table)})


def _lifted(fds: list[int], targets: list[int], opened: list[int]) -> list[tuple[int, int]]:
    """``(source, target)`` of descriptors that are passed on. Sources lie above every target: none is overwritten before its turn. Adds to ``opened``."""
    pairs = []
    for fd, target in zip(fds, targets, strict=True):
        source = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, max(targets) + 1)
        opened.append(source)
        pairs.append((source, target))
    return pairs


def _start(argv: list[bytes], variables: list[bytes], descriptors: list[tuple[int, int]], defaults: tuple[int, ...]) -> int:
    """Start a program as a shell would find it (execvp(3)), with the signals ``defaults`` not ignored. Raises ``OSError`` of execve(2)."""
    environment = dict(v.split(b"=", 1) for v in variables)
    folders = [b""] if b"/" in argv[0] else environment.get(b"PATH", DEFAULT_PATH).split(b":")
    worst: OSError = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    for folder in folders:
        path = folder + b"/" + argv[0] if folder else argv[0] if b"/" in argv[0] else b"./" + argv[0]
        try:
            os.stat(path)  # most folders of a PATH do not hold the program: asking costs a hundredth of trying to start it
            return _execute(path, argv, environment, descriptors, defaults)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except PermissionError as error:
            worst = error
    raise worst


def _execute(path: bytes, argv: list[bytes], environment: dict[bytes, bytes], descriptors: list[tuple[int, int]], defaults: tuple[int, ...]) -> int:
    # Nothing runs between the new process and execve(2) but the C library: no Python, no lock of ours.
    actions = [(os.POSIX_SPAWN_DUP2, source, target) for source, target in descriptors]
    try:
        return os.posix_spawn(path, argv, environment, file_actions=actions, setpgroup=0, setsigmask=[], setsigdef=defaults)
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
    script = [b"/bin/sh", path, *argv[1:]]  # a script without a first line that names its shell
    return os.posix_spawn(script[0], script, environment, file_actions=actions, setpgroup=0, setsigmask=[], setsigdef=defaults)


def _connect(port: int) -> _socket.socket:
    """A stream to something that listens on this fence's loopback. Raises ``OSError``; ``EAGAIN`` when it listens and does not accept."""
    failure = OSError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
    for family, address in LOOPBACKS:
        connection = _socket.socket(family, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
        connection.setblocking(False)
        code = connection.connect_ex((address, port))
        if code == errno.EINPROGRESS:
            poll = select.poll()
            poll.register(connection, select.POLLOUT)
            code = connection.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR) if poll.poll(DIAL_MILLISECONDS) else errno.EAGAIN
        if code == 0:
            connection.setblocking(True)
            return connection
        connection.close()
        if code != errno.ECONNREFUSED:
            failure = OSError(code, os.strerror(code))
    raise failure


def _listening_in(table: int) -> list[int]:
    """The kernel lists listening sockets first, so the first other line ends the search: tens of thousands of connections cost nothing."""
    os.lseek(table, 0, os.SEEK_SET)
    ports: list[int] = []
    rest = b""
    while chunk := os.read(table, 65536):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            fields = line.split()
            if fields[0] == b"sl":
                continue
            if fields[3] != TCP_LISTEN:
                return ports
            address, _, port = fields[1].partition(b":")
            if address in REACHABLE:
                ports.append(int(port, 16))
    return ports
