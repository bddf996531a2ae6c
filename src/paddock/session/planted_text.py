"""The list of planted files as lines for people and as JSON values. Pure; every name from inside is escaped and capped."""

from __future__ import annotations

from collections.abc import Callable

from paddock.model.planted import HARD_LINK, Planted, PlantedFile
from paddock.model.text import cap, escape, pad, shorten_path, width

__all__ = ["document", "lines"]

ROWS = 20
PATH_WIDTH = 64
TARGET_WIDTH = 40
REASON_WIDTH = 80
HASH_WIDTH = 12


def lines(planted: Planted, *, run_id: str, home: str, cwd: str, paint: Callable[[str, str], str]) -> list[str]:
    """A heading and a line a file; empty when there is nothing."""
    if not planted.total:
        return []
    files = planted.files[:ROWS]
    verb = "file that something outside may run or obey later was" if planted.total == 1 else "files that something outside may run or obey later were"
    out = [paint("strong", f"paddock: planted: {planted.total} {verb} made or changed (run {run_id})")]
    names = [_name(file, home, cwd) for file in files]
    widest = max(width(name) for name in names)
    reasons = [cap(escape(file.found.reason), REASON_WIDTH) for file in files]
    reason = max(width(text) for text in reasons)
    for file, name, text in zip(files, names, reasons, strict=True):
        act = paint("warn", pad("made" if file.found.made else "changed", 7))
        out.append(f"  {act}  {paint('strong', pad(name, widest))}  {pad(text, reason)}  {paint('dim', _content(file))}".rstrip())
    if planted.total > len(files):
        out.append(paint("dim", f"  … and {planted.total - len(files)} more: paddock log --run {run_id} --kind planted"))
    out += [paint("dim", f"  note: {cap(escape(gap), 2 * REASON_WIDTH)}") for gap in planted.gaps]
    return out


def _name(file: PlantedFile, home: str, cwd: str) -> str:
    name = cap(escape(shorten_path(file.found.path, home=home, cwd=cwd)), PATH_WIDTH)
    if "  " in name or name.strip() != name:
        name = f'"{name}"'
    return f"{name} -> {cap(escape(file.found.target), TARGET_WIDTH)}" if file.found.target else name


def _content(file: PlantedFile) -> str:
    if file.sha256:
        return f"sha256 {file.sha256[:HASH_WIDTH]}…, {file.size} bytes"
    return f"{file.size} bytes, not hashed" if file.size >= 0 and file.found.kind != HARD_LINK else ""


def document(planted: Planted) -> dict[str, object]:
    """The list for programs. ``gaps`` say what was not looked at, also when nothing was found."""
    return {
        "count": planted.total,
        "files": [_file(file) for file in planted.files],
        "more": dict(planted.more),
        "gaps": [_unicode(gap) for gap in planted.gaps],
    }


def _file(file: PlantedFile) -> dict[str, object]:
    found = file.found
    out: dict[str, object] = {
        "path": _unicode(found.path),
        "change": "made" if found.made else "changed",
        "kind": found.kind,
        "reason": _unicode(found.reason),
        "sha256": file.sha256 or None,
        "size": file.size if file.size >= 0 else None,
        "target": _unicode(found.target) or None,
    }
    if out["path"] != found.path:
        from base64 import b64encode

        out["path_b64"] = b64encode(found.path.encode("utf-8", "surrogateescape")).decode("ascii")
    return out


def _unicode(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
