"""Names and addresses: one canonical form and one matcher for every list and every door.

A *host* is a name or an address, never both: whatever an operating system would take for an address (``127.1``, ``0x7f000001``, ``[::ffff:127.0.0.1]``) is that
address, so that no spelling walks around a list. A *pattern* is one reading of an entry of a domain list. Text that is neither raises ``HostError``; nothing is
repaired. Spec 2.3 and 4.7; RFC 1123 2.1 (names), RFC 5891 (A-labels), inet_aton(3) (numeric forms), RFC 4291 2.5.5 (IPv4 inside IPv6).
"""

from __future__ import annotations

from paddock.model.record import record

__all__ = ["Host", "HostError", "Pattern", "parse_address", "parse_host", "parse_pattern", "parse_target", "show"]

NAME_LIMIT = 253
"""Longest name without the trailing dot, in octets (RFC 1035 2.3.4)."""
LABEL_LIMIT = 63
LABEL_BYTES = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")
"""RFC 1123 letters, digits and hyphen, and the underscore that service names and real hosts use."""
HEX = frozenset("0123456789abcdef")
V4_MAPPED = bytes(10) + b"\xff\xff"
V4_COMPATIBLE = bytes(12)


class HostError(ValueError):
    """The text is not a host (or not a pattern). ``code`` is ``not_a_host``; ``hint`` is the form that was probably meant, or empty."""

    code = "not_a_host"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@record
class Host:
    """A canonical name (lower case, A-labels, no trailing dot) or a canonical address (``packed`` holds its 4 or 16 octets, empty for a name)."""

    text: str
    packed: bytes = b""

    @property
    def is_address(self) -> bool:
        """Whether this is an IPv4 or IPv6 address."""
        return bool(self.packed)

    @property
    def is_v6(self) -> bool:
        """Whether this is an IPv6 address."""
        return len(self.packed) == 16

    def at(self, port: int) -> str:
        """``host:port`` as people write it, an IPv6 address in brackets."""
        return f"[{self.text}]:{port}" if self.is_v6 else f"{self.text}:{port}"


@record
class Pattern:
    """One reading of one entry. ``labels`` is empty for an address and for ``*``; a first label ``**`` stands for one label or more.

    ``port`` None means every port. ``everything`` is the entry ``*``: every name, and on a deny list every address as well.
    """

    text: str
    labels: tuple[str, ...] = ()
    address: bytes = b""
    port: int | None = None
    everything: bool = False
    denies: bool = False

    @property
    def is_wildcard(self) -> bool:
        """Whether more than one host can match."""
        return self.everything or any("*" in label for label in self.labels)

    def matches(self, host: Host, port: int) -> bool:
        """Whether this entry speaks about ``host`` at ``port``. Wildcards never match addresses, save ``*`` on a deny list."""
        if self.port is not None and self.port != port:
            return False
        if self.everything:
            return self.denies or not host.is_address
        if host.is_address:
            return self.address == host.packed
        return bool(self.labels) and _labels_match(self.labels, host.text.split("."))


def show(text: str, limit: int = 120) -> str:
    """``text`` from an untrusted place, printable ASCII only and cut to ``limit`` characters."""
    safe = text.encode("ascii", "backslashreplace").decode("ascii")
    safe = "".join(c if " " <= c <= "~" else f"\\x{ord(c):02x}" for c in safe)
    return safe if len(safe) <= limit else safe[: limit - 3] + "..."


def parse_host(text: str) -> Host:
    """The canonical form of a name or an address in any spelling; brackets around IPv6 are optional. Raises ``HostError``."""
    if text.startswith("[") or ":" in text:
        return Host(*_ipv6(_unbracketed(text)))
    name = _ascii_name(text)
    labels = name.split(".")
    if _looks_numeric(labels[-1]):
        return _host_from_v4(_ipv4(labels, text))
    for label in labels:
        _check_label(label, text, LABEL_BYTES)
    return Host(name)


def parse_address(packed: bytes) -> Host:
    """The host for 4 or 16 octets in network order. Raises ``HostError`` for any other length."""
    if len(packed) == 4:
        return _host_from_v4(packed)
    if len(packed) == 16:
        return Host(*_canonical_v6(packed))
    raise HostError(f"an address has 4 or 16 octets, not {len(packed)}")


def parse_target(text: str, default_port: int | None = None) -> tuple[Host, int]:
    """``host:port`` as in a request line: an IPv6 address needs brackets. Raises ``HostError``, also when the port is missing and has no default."""
    host, port = _split_port(text)
    if port is None:
        port = default_port
    if port is None:
        raise HostError(f"no port in {show(text)!r}")
    if ":" in host and not host.startswith("["):
        raise HostError(f"an IPv6 address needs brackets before a port: {show(text)!r}")
    return parse_host(host), port


def parse_pattern(text: str, list_kind: str) -> tuple[Pattern, ...]:
    """The readings of one list entry; ``list_kind`` is ``allow`` or ``deny``.

    An unbracketed IPv6 form that reads in two ways gives both readings on a deny list and only the host-and-port reading on an allow list (spec 2.3).
    Raises ``HostError`` when there is no reading.
    """
    if list_kind not in ("allow", "deny"):
        raise ValueError(f"no such list: {list_kind!r}")
    denies = list_kind == "deny"
    if "://" in text or "/" in text:
        raise HostError(f"{show(text)!r} is a URL or a range, not a host", hint=_host_part(text))
    if text.count(":") > 1 and not text.startswith("["):
        return _unbracketed_readings(text, denies=denies)
    host, port = _split_port(text)
    return (_pattern(host, port, text, denies=denies),)


def _pattern(host: str, port: int | None, text: str, *, denies: bool) -> Pattern:
    if host == "*":
        return Pattern(text, port=port, everything=True, denies=denies)
    if "*" not in host:
        parsed = parse_host(host)
        labels = () if parsed.is_address else tuple(parsed.text.split("."))
        return Pattern(text, labels, parsed.packed, port, denies=denies)
    labels_found = _ascii_name(host).split(".")
    for label in labels_found:
        _check_label(label, text, LABEL_BYTES | {"*"})
    if _looks_numeric(labels_found[-1]) or (set(host) <= set("0123456789.*") and set(host) & HEX):
        raise HostError(f"a wildcard cannot stand for parts of an address: {show(text)!r}")
    if labels_found[0] == "*":
        labels_found[0] = "**"
    return Pattern(text, tuple(labels_found), port=port, denies=denies)


def _unbracketed_readings(text: str, *, denies: bool) -> tuple[Pattern, ...]:
    """``::1:443`` is an address, or ``::1`` at port 443."""
    head, _, tail = text.rpartition(":")
    found: list[Pattern] = []
    narrow = _ipv6_or_nothing(head)
    if narrow and _is_port(tail):
        found.append(Pattern(text, address=narrow, port=int(tail), denies=denies))
    whole = _ipv6_or_nothing(text)
    if whole and denies:
        found.append(Pattern(text, address=whole, denies=denies))
    if not found:
        raise HostError(f"{show(text)!r} has no clear reading", hint=f"[{text}]" if whole else "")
    return tuple(found)


def _ipv6_or_nothing(text: str) -> bytes:
    try:
        return _ipv6(text)[1]
    except HostError:
        return b""


def _split_port(text: str) -> tuple[str, int | None]:
    if text.startswith("["):
        inside, closed, rest = text[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")):
            raise HostError(f"unbalanced brackets in {show(text)!r}")
        return f"[{inside}]", _port(rest[1:], text) if rest else None
    host, colon, port = text.rpartition(":")
    return (host, _port(port, text)) if colon else (text, None)


def _port(digits: str, text: str) -> int:
    if not _is_port(digits):
        raise HostError(f"no valid port in {show(text)!r}")
    return int(digits)


def _is_port(digits: str) -> bool:
    return digits.isascii() and digits.isdigit() and len(digits) <= 5 and 0 < int(digits) < 65536


def _host_part(text: str) -> str:
    """The host of something that looks like a URL, for a hint only."""
    rest = text.partition("://")[2] or text
    return show(rest.partition("/")[0], 80)


def _unbracketed(text: str) -> str:
    if text.startswith("["):
        if not text.endswith("]"):
            raise HostError(f"unbalanced brackets in {show(text)!r}")
        return text[1:-1]
    return text


def _ascii_name(text: str) -> str:
    """Lower case, A-labels, one trailing dot removed. IDNA runs before anything is checked, because its mapping can yield dots, digits and slashes."""
    if not text.isascii():
        try:
            text = text.encode("idna").decode("ascii")
        except UnicodeError as error:
            raise HostError(f"not a host name: {show(text)!r}") from error
    text = text.lower().removesuffix(".")
    if not text or len(text) > NAME_LIMIT:
        raise HostError("a host name is empty" if not text else f"a host name has more than {NAME_LIMIT} characters: {show(text, 40)!r}")
    return text


def _check_label(label: str, text: str, allowed: frozenset[str]) -> None:
    if not label or len(label) > LABEL_LIMIT or not allowed.issuperset(label):
        raise HostError(f"not a host name: {show(text)!r}")


def _looks_numeric(label: str) -> bool:
    """Whether a last label makes the whole text an address. No top-level domain is numeric (RFC 3696 2), so nothing real is lost."""
    return label.isdigit() or (label.startswith("0x") and HEX.issuperset(label[2:]))


def _ipv4(parts: list[str], text: str) -> bytes:
    """inet_aton(3): one to four parts, each decimal, octal or hexadecimal; the last one fills what is left."""
    try:
        numbers = [_number(part) for part in parts]
    except ValueError as error:
        raise HostError(f"not an address: {show(text)!r}") from error
    room = 256 ** (5 - len(numbers)) if len(numbers) <= 4 else 0
    if numbers[-1] >= room or any(n > 255 for n in numbers[:-1]):
        raise HostError(f"not an address: {show(text)!r}")
    value = numbers[-1]
    for index, number in enumerate(numbers[:-1]):
        value |= number << (24 - 8 * index)
    return value.to_bytes(4, "big")


def _number(part: str) -> int:
    """One part of a numeric form. Raises ``ValueError``; ``int`` alone would take signs, underscores and other scripts' digits."""
    digits, base = (part[2:], 16) if part.startswith("0x") else (part, 8 if part.startswith("0") and len(part) > 1 else 10)
    if not 0 < len(digits) <= 16 or not HEX.issuperset(digits):
        raise ValueError(part)
    return int(digits, base)


def _host_from_v4(packed: bytes) -> Host:
    return Host(".".join(str(octet) for octet in packed), packed)


def _ipv6(text: str) -> tuple[str, bytes]:
    """Text form of RFC 4291 2.2 without a zone: a zone means something only on the machine that wrote it."""
    from socket import AF_INET6, inet_pton  # only entries with IPv6 pay for the import

    if not text.isascii() or "\0" in text:
        raise HostError(f"not an address: {show(text)!r}")
    try:
        packed = inet_pton(AF_INET6, text)
    except OSError as error:
        raise HostError(f"not an address: {show(text)!r}") from error
    return _canonical_v6(packed)


def _canonical_v6(packed: bytes) -> tuple[str, bytes]:
    """IPv4 inside IPv6 is the IPv4 address; ``::`` and ``::1`` stay what they are."""
    from socket import AF_INET6, inet_ntop

    if packed.startswith(V4_MAPPED) or (packed.startswith(V4_COMPATIBLE) and packed[12:] > b"\0\0\0\x01"):
        host = _host_from_v4(packed[12:])
        return host.text, host.packed
    return inet_ntop(AF_INET6, packed), packed


def _labels_match(pattern: tuple[str, ...], labels: list[str]) -> bool:
    if pattern[0] == "**":
        tail = pattern[1:]
        return len(labels) > len(tail) and _same(tail, labels[len(labels) - len(tail) :])
    return len(pattern) == len(labels) and _same(pattern, labels)


def _same(pattern: tuple[str, ...], labels: list[str]) -> bool:
    return all(p == label or ("*" in p and _glob(p, label)) for p, label in zip(pattern, labels, strict=True))


def _glob(pattern: str, label: str) -> bool:
    """``*`` stands for any run of characters within one label; at least one when it is the whole label (labels are never empty)."""
    head, *middle, tail = pattern.split("*")
    if len(label) < len(head) + len(tail) or not label.startswith(head) or not label.endswith(tail):
        return False
    position, end = len(head), len(label) - len(tail)
    for piece in middle:
        found = label.find(piece, position, end)
        if found < 0:
            return False
        position = found + len(piece)
    return True
