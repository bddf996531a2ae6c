"""Landlock (landlock(7)): a fence around writing that a process puts around itself and never gets rid of."""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct

from paddock.fence.kernel.libc import system_call

__all__ = ["SCOPES_FROM", "Ruleset", "abi"]

ACCESS_FS_EXECUTE = 1 << 0
ACCESS_FS_MAKE_BLOCK = 1 << 11
ACCESS_FS_MAKE_CHAR = 1 << 6
ACCESS_FS_MAKE_DIR = 1 << 7
ACCESS_FS_MAKE_FIFO = 1 << 10
ACCESS_FS_MAKE_REG = 1 << 8
ACCESS_FS_MAKE_SOCK = 1 << 9
ACCESS_FS_MAKE_SYM = 1 << 12
ACCESS_FS_REFER = 1 << 13
ACCESS_FS_REMOVE_DIR = 1 << 4
ACCESS_FS_REMOVE_FILE = 1 << 5
ACCESS_FS_TRUNCATE = 1 << 14
ACCESS_FS_WRITE_FILE = 1 << 1
CREATE_RULESET_VERSION = 1
RULE_PATH_BENEATH = 1
SCOPE_SIGNAL = 1 << 1
SCOPES_FROM = 6
"""The version that can keep signals in."""

ON_FILES = ACCESS_FS_WRITE_FILE | ACCESS_FS_TRUNCATE
WRITES = (
    ON_FILES
    | ACCESS_FS_MAKE_BLOCK
    | ACCESS_FS_MAKE_CHAR
    | ACCESS_FS_MAKE_DIR
    | ACCESS_FS_MAKE_FIFO
    | ACCESS_FS_MAKE_REG
    | ACCESS_FS_MAKE_SOCK
    | ACCESS_FS_MAKE_SYM
    | ACCESS_FS_REFER
    | ACCESS_FS_REMOVE_DIR
    | ACCESS_FS_REMOVE_FILE
)

_add_rule = system_call("landlock_add_rule", ctypes.c_int, ctypes.c_uint, ctypes.c_char_p, ctypes.c_uint)
_create_ruleset = system_call("landlock_create_ruleset", ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint)
_restrict_self = system_call("landlock_restrict_self", ctypes.c_int, ctypes.c_uint)


def abi() -> int:
    """The version that the kernel offers: 0 without Landlock, 2 adds moving between directories, 3 adds truncation."""
    try:
        return _create_ruleset(None, 0, CREATE_RULESET_VERSION)
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EOPNOTSUPP):
            return 0
        raise


class Ruleset:
    """Once ``restrict`` was called, writing is refused everywhere except at what ``allow`` names, and from ``SCOPES_FROM`` on no signal goes out.

    With ``starts``, files are executed nowhere either, except what ``allow_start`` names: programs, interpreters of scripts, and loaders (execve(2)).
    """

    def __init__(self, version: int, *, starts: bool = False) -> None:
        self.writes = WRITES if version >= 3 else WRITES & ~ACCESS_FS_TRUNCATE
        handled = self.writes | (ACCESS_FS_EXECUTE if starts else 0)
        # struct landlock_ruleset_attr: files, network, scopes. Older kernels know only the first.
        attributes = struct.pack("=3Q", handled, 0, SCOPE_SIGNAL) if version >= SCOPES_FROM else struct.pack("=Q", handled)
        self._fd = _create_ruleset(attributes, len(attributes), 0)

    def allow(self, fd: int) -> None:
        """Allow writing at and below what ``fd`` is open on (an ``O_PATH`` descriptor will do)."""
        rights = self.writes if stat.S_ISDIR(os.fstat(fd).st_mode) else self.writes & ON_FILES
        _add_rule(self._fd, RULE_PATH_BENEATH, struct.pack("=Qi", rights, fd), 0)

    def allow_start(self, fd: int) -> None:
        """Allow the file that ``fd`` is open on to be executed."""
        _add_rule(self._fd, RULE_PATH_BENEATH, struct.pack("=Qi", ACCESS_FS_EXECUTE, fd), 0)

    def restrict(self) -> None:
        """Put this process and every later child behind the rules. Needs ``no_new_privileges``."""
        _restrict_self(self._fd, 0)
        os.close(self._fd)
