"""``paddock uninstall``: see ``install``."""

from __future__ import annotations

from paddock.cli.install import OPTIONS, remove
from paddock.cli.install import UNINSTALL_USAGE as USAGE

__all__ = ["OPTIONS", "USAGE", "main"]

main = remove
