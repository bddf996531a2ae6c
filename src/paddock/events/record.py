r"""One event with its number and time, as a JSON object and back.

The object is the public log format, schema ``SCHEMA_VERSION``: ``schema``, ``id``, ``time`` (RFC 3339, UTC), ``run``, ``kind``, ``area``, and where they say
something ``act``, ``subject``, ``reason``, ``rule``, ``remedy``, ``detail``, ``count``, ``last``. JSON text is Unicode, a path is bytes: what is not UTF-8 is
written as ``\xNN``, and then ``subject_b64`` holds the exact bytes.
"""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from time import gmtime, strftime

from paddock.model.events import SCHEMA_VERSION, Event
from paddock.model.record import record
from paddock.model.settings import Origin, Scope

__all__ = ["Record", "from_json", "rfc3339", "to_json"]

# A path is at most 4,096 bytes (PATH_MAX) and a name 255; everything else is a sentence.
SUBJECT_LIMIT = 4096
TEXT_LIMIT = 1000
DETAIL_LIMIT = 32


@record
class Record:
    """An event that was kept. ``time`` and ``last`` are seconds since the epoch: the first and the latest of ``count`` equal events. ``number`` counts from
    1.
    """

    run: str
    number: int
    time: float
    event: Event
    count: int = 1
    last: float = 0.0

    @property
    def id(self) -> str:
        """The name that ``paddock why`` takes: run and number."""
        return f"{self.run}-{self.number}"


def rfc3339(seconds: float) -> str:
    """``2026-01-31T12:00:00.250Z`` (RFC 3339, UTC, milliseconds)."""
    milliseconds = round(seconds * 1000)
    return strftime("%Y-%m-%dT%H:%M:%S", gmtime(milliseconds // 1000)) + f".{milliseconds % 1000:03d}Z"


def to_json(record: Record) -> dict[str, object]:
    """The record as plain JSON values; every text is valid Unicode and capped."""
    event = record.event
    out: dict[str, object] = {
        "schema": SCHEMA_VERSION,
        "id": record.id,
        "time": rfc3339(record.time),
        "run": record.run,
        "kind": event.kind,
        "area": event.area,
    }
    texts = {"act": event.act, "subject": _text(event.subject, SUBJECT_LIMIT), "reason": _text(event.reason), "remedy": _text(event.remedy)}
    out |= {name: text for name, text in texts.items() if text}
    if not _is_unicode(event.subject):
        out["subject_b64"] = b2a_base64(_raw(event.subject[:SUBJECT_LIMIT]), newline=False).decode("ascii")
    if event.rule is not None:
        out["rule"] = origin_to_json(event.rule)
    if event.detail:
        out["detail"] = {_text(k): _text(v) if isinstance(v, str) else v for k, v in event.detail[:DETAIL_LIMIT]}
    if record.count > 1:
        out["count"] = record.count
        out["last"] = rfc3339(record.last)
    return out


def origin_to_json(origin: Origin) -> dict[str, object]:
    """A place in the settings as plain JSON values. ``line`` 0 means that there are no lines."""
    return {
        "scope": origin.scope.value,
        "file": _text(origin.file, SUBJECT_LIMIT),
        "line": origin.line,
        "column": origin.column,
        "key": _text(origin.key),
        "text": _text(origin.text),
    }


def from_json(value: object) -> Record | None:
    """The record that ``to_json`` wrote, or None for anything else: a newer schema, a foreign line, a wrong type."""
    if not isinstance(value, dict) or value.get("schema") != SCHEMA_VERSION:
        return None
    try:
        run, _, number = _string(value, "id").rpartition("-")
        time = _seconds(_string(value, "time"))
        return Record(
            run=run,
            number=int(number),
            time=time,
            event=_event(value),
            count=_integer(value, "count", 1),
            last=_seconds(_string(value, "last")) if "last" in value else time,
        )
    except (ValueError, TypeError, OverflowError, Base64Error):
        return None


def _event(value: Mapping[str, object]) -> Event:
    subject = _string(value, "subject", "")
    if "subject_b64" in value:
        subject = a2b_base64(_string(value, "subject_b64"), strict_mode=True).decode("utf-8", "surrogateescape")
    rule = value.get("rule")
    detail = value.get("detail", {})
    if not isinstance(detail, dict):
        raise TypeError("detail is not an object")
    return Event(
        kind=_string(value, "kind"),
        area=_string(value, "area"),
        act=_string(value, "act", ""),
        subject=subject,
        reason=_string(value, "reason", ""),
        rule=None if rule is None else origin_from_json(rule),
        remedy=_string(value, "remedy", ""),
        detail=tuple((str(k), v) for k, v in detail.items() if isinstance(v, str | int | float)),
    )


def origin_from_json(value: object) -> Origin:
    """The inverse of ``origin_to_json``. Raises ``TypeError`` or ``ValueError``."""
    if not isinstance(value, dict):
        raise TypeError("rule is not an object")
    return Origin(
        scope=Scope(_string(value, "scope")),
        file=_string(value, "file"),
        line=_integer(value, "line", 0),
        column=_integer(value, "column", 0),
        key=_string(value, "key", ""),
        text=_string(value, "text", ""),
    )


def _string(value: Mapping[str, object], name: str, default: str | None = None) -> str:
    got = value.get(name, default)
    if not isinstance(got, str):
        raise TypeError(f"{name} is not text")
    return got


def _integer(value: Mapping[str, object], name: str, default: int) -> int:
    got = value.get(name, default)
    if not isinstance(got, int) or isinstance(got, bool):
        raise TypeError(f"{name} is not a number")
    return got


def _seconds(text: str) -> float:
    from datetime import datetime  # only readers need it, and every run loads this module

    return datetime.fromisoformat(text).timestamp()


def _text(text: str, limit: int = TEXT_LIMIT) -> str:
    """Valid Unicode, whatever came: JSON with a lone surrogate in it is refused by strict readers."""
    text = text[:limit]
    return text if text.isascii() else _raw(text).decode("utf-8", "backslashreplace")


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any(0xD800 <= ord(c) <= 0xDFFF for c in text)


def _raw(text: str) -> bytes:
    r"""The bytes behind a text of the operating system (PEP 383). Surrogates that stand for no byte (``\ud800`` in a settings file) are kept as three bytes."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
