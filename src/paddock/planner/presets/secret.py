"""Names of settings that hold a login, in files whose keys are anybody's choice. What looks like one stays outside; too much is better than too little."""

from __future__ import annotations

__all__ = ["looks_secret"]

_PARTS = ("apikey", "auth", "credential", "passphrase", "passwd", "password", "privatekey", "pwd", "secret", "signing", "token", "username")


def looks_secret(name: str) -> bool:
    """Whether a setting with this name is about a login. ``-``, ``_``, ``.`` and case do not matter."""
    plain = "".join(char for char in name.lower() if char.isalnum())
    return any(part in plain for part in _PARTS) or plain.endswith(("key", "user"))
