"""Certificate authorities that tools are told to trust: a company's own, often kept in the home.

A private mirror whose certificate cannot be checked is no mirror. Where the file lies in a hidden folder it is shown inside, certificates only: whatever else
a bundle holds (a private key beside its certificate) stays outside.
"""

from __future__ import annotations

from paddock.model import paths
from paddock.model.plan import Kind
from paddock.planner.presets.base import Given, Gives

__all__ = ["from_environment", "show"]

MAX_BYTES = 1 << 20
_BEGIN, _END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"

# Read by OpenSSL, Node, Python's requests, curl, git and the package managers themselves.
_VARIABLES = (
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "NODE_EXTRA_CA_CERTS",
    "NPM_CONFIG_CAFILE",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
    "npm_config_cafile",
)


def from_environment(given: Given, gives: Gives) -> None:
    """The files that the caller's variables name."""
    for name in _VARIABLES:
        show(given, gives, given.environ.get(name, ""))


def show(given: Given, gives: Gives, value: str) -> None:
    """Show the file that a setting names, when it is hidden. ``value`` may begin with ``~/``; anything else that is not absolute names no file of the user."""
    path = paths.join(given.home, value[2:]) if value.startswith("~/") else value
    if not path.startswith("/") or "\0" in path:
        return
    path = paths.normalise(path)
    found = given.view.resolve(path)
    if found.kind is not Kind.FILE or not given.hidden(found.path) or any(file.path == found.path for file in gives.files):
        return
    certificates = _certificates(given.view.read(found.path, MAX_BYTES) or b"")
    if certificates:
        gives.user_file(given, path, certificates, "certificates only")


def _certificates(content: bytes) -> bytes:
    """The blocks of a PEM file (RFC 7468) that are certificates."""
    blocks = [part.partition(_END) for part in content.split(_BEGIN)[1:]]
    return b"".join(_BEGIN + body + _END + b"\n" for body, end, _ in blocks if end and b"-----" not in body)
