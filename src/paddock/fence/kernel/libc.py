"""The one way to the kernel for calls that the standard library lacks.

Every wrapper below ``fence/kernel`` is built once from a name and its argument types: the C function objects of ``ctypes`` are shared, so changing their types
before each call would not be safe. There is one error path: ``OSError`` with the call's name in its text.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable

from paddock.fence.kernel.numbers import NUMBERS

__all__ = ["function", "system_call"]

_LIBC = ctypes.CDLL(None, use_errno=True)


def _failed(name: str, number: int) -> OSError:
    return OSError(number, f"{name}: {os.strerror(number)}")


def function(name: str, *types: type) -> Callable[..., int]:
    """A function of the C library that returns -1 and sets errno. Raises ``OSError`` when called and it fails."""
    call = _LIBC[name]  # a fresh object each time, so that the types set here are nobody else's
    call.argtypes = types
    call.restype = ctypes.c_int

    def invoke(*arguments: object) -> int:
        result: int = call(*arguments)
        if result < 0:
            raise _failed(name, ctypes.get_errno())
        return result

    return invoke


def system_call(name: str, *types: type) -> Callable[..., int]:
    """A raw system call (syscall(2)). Types are needed for every argument: the function is variadic, and plain integers would be cut to 32 bits.

    Raises ``OSError`` when called and it fails; ``ENOSYS`` when this architecture has no such call.
    """
    call = _LIBC["syscall"]
    call.argtypes = (ctypes.c_long, *types)
    call.restype = ctypes.c_long
    number = NUMBERS.get(name)

    def invoke(*arguments: object) -> int:
        if number is None:
            raise _failed(name, errno.ENOSYS)
        result: int = call(number, *arguments)
        if result < 0:
            raise _failed(name, ctypes.get_errno())
        return result

    return invoke
