"""Loading a ruleset with libnftables (libnftables(3)), in the caller's network namespace, without another program."""

from __future__ import annotations

import ctypes
import errno

__all__ = ["LIBRARY", "load"]

LIBRARY = "libnftables.so.1"
NFT_CTX_DEFAULT = 0


def load(ruleset: str) -> None:
    """Apply ``ruleset`` in one transaction: all of it or nothing.

    Raises ``OSError`` with ``ELIBACC`` when the library is missing, and with ``EINVAL`` and libnftables' own words when it refuses.
    """
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError as error:
        raise OSError(errno.ELIBACC, f"{LIBRARY}: {error}") from error
    library.nft_ctx_new.restype = ctypes.c_void_p
    library.nft_ctx_get_error_buffer.restype = ctypes.c_char_p
    context = ctypes.c_void_p(library.nft_ctx_new(NFT_CTX_DEFAULT))
    library.nft_ctx_buffer_error(context)
    if library.nft_run_cmd_from_buffer(context, ruleset.encode()) != 0:
        words = (library.nft_ctx_get_error_buffer(context) or b"").decode("utf-8", "replace").strip()
        raise OSError(errno.EINVAL, f"libnftables: {words}")
    library.nft_ctx_free(context)
