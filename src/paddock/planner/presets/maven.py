"""Maven: mirrors and repositories of its settings (maven.apache.org, "Settings Reference").

What a project's ``pom.xml`` names is not asked: it is as much as a project wants it to be, parents and all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from paddock.model import paths
from paddock.model.settings import Notice, Origin, Scope
from paddock.planner.presets.base import KEY, Given, Gives, found_program
from paddock.planner.presets.secret import looks_secret
from paddock.planner.presets.toml import line_of
from paddock.planner.presets.urls import target_of, without_logins

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["configure", "hosts"]

# Children of ``settings`` that hold logins, places of the person's own, and proxies, which cannot be reached.
_LEFT = frozenset({"localRepository", "proxies", "servers"})
_MAX_DEPTH = 60
_EMPTY = b"<settings/>\n"
_JAR_BYTES = 4 << 20
_DEFAULTS = "org/apache/maven/model/pom-4.0.0.xml"
_LOCAL = "-Dmaven.repo.local="


def configure(given: Given, gives: Gives) -> None:
    """A copy of the user's settings without logins, and a local repository of the project's own."""
    file = _user_file(given)
    content = given.view.read(file)
    if content is not None:
        root = _parsed(content)
        if root is None:
            gives.notices.append(Notice(f"{file} is no plain XML in UTF-8 (a DOCTYPE is not accepted): inside it is empty"))
        gives.user_file(given, file, _EMPTY if root is None else _written(root))
    if not given.networked or not found_program(given, "mvn"):
        return
    options = given.environ.get("MAVEN_OPTS", "")
    own = [word.removeprefix(_LOCAL) for word in options.split() if word.startswith(_LOCAL)]
    if own and own[-1].startswith("/") and given.writable(given.view.resolve(paths.normalise(own[-1])).path):
        return
    # The last one counts. The tail is read and never written (Maven 3.9; older ones do not know it); the words of the variable have no quotes.
    tail = [f"-Dmaven.repo.local.tail={paths.join(given.home, '.m2/repository')}"] if not any(map(str.isspace, given.home)) else []
    gives.environment["MAVEN_OPTS"] = " ".join([*options.split(), f"{_LOCAL}{given.caches}/maven", *tail])


def hosts(given: Given, gives: Gives) -> None:
    """The mirrors and repositories of the user's settings and the installation's; the default's when no mirror stands for it."""
    before = len(gives.hosts)
    mirrored = False
    for file in (_user_file(given), *_installed(given)):
        content = given.view.read(file)
        root = _parsed(content) if content is not None else None
        if content is None or root is None:
            continue
        text = content.decode("utf-8", "replace")
        for url, of in _addresses(root):
            added = gives.address(given, url, file, line_of(text, url), "maven")
            mirrored = mirrored or (added and _covers_default(of))
    if not mirrored:
        _builtin(given, gives)
    if len(gives.hosts) == before and not mirrored:
        text = "the preset maven gives no host: no mirror is configured and Maven's own default was not found; list the host of a repository"
        gives.notices.append(Notice(text, Origin(Scope.BUILTIN, "builtin", key=KEY, text="maven")))


def _user_file(given: Given) -> str:
    return paths.join(given.home, ".m2/settings.xml")


def _folder(given: Given) -> str:
    """The installation: ``bin/mvn`` lies in it."""
    program = found_program(given, "mvn")
    return paths.ancestors(program)[1] if program.count("/") > 2 else ""


def _installed(given: Given) -> Iterator[str]:
    folder = _folder(given)
    if folder:
        yield paths.join(folder, "conf/settings.xml")


def _addresses(root: Element) -> Iterator[tuple[str, str]]:
    """``(address, what it is a mirror of)``. Blocked mirrors are there to lead nowhere."""
    for element in root.iter():
        name = _name(element)
        if name not in ("mirror", "repository", "pluginRepository"):
            continue
        parts = {_name(part): (part.text or "").strip() for part in element}
        if parts.get("blocked") != "true":
            yield parts.get("url", ""), parts.get("mirrorOf", "") if name == "mirror" else ""


def _covers_default(of: str) -> bool:
    """Whether a ``mirrorOf`` stands for the repository that Maven calls ``central`` (maven.apache.org, "Guide to Mirror Settings")."""
    words = [word.strip() for word in of.split(",")]
    return "!central" not in words and any(word in ("*", "central", "external:*") for word in words)


def _builtin(given: Given, gives: Gives) -> None:
    """The repositories that every project inherits: a text in one of the installed archives."""
    folder = paths.join(_folder(given), "lib") if _folder(given) else ""
    for name in given.view.names(folder) or () if folder else ():
        if not (name.startswith("maven-model-builder") and name.endswith(".jar")):
            continue
        file = given.view.resolve(paths.join(folder, name)).path
        root = None if given.writable(file) else _parsed(_from_archive(given.view.read(file, _JAR_BYTES) or b""))
        for url, _ in _addresses(root) if root is not None else ():
            target = target_of(url)
            if target is not None:
                gives.host(target, Origin(Scope.BUILTIN, file, key=KEY, text=f"maven: {target.pattern()}"))


def _from_archive(content: bytes) -> bytes:
    import io
    import zipfile

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open(_DEFAULTS) as file:
            return file.read(1 << 20)
    except (zipfile.BadZipFile, KeyError, OSError, NotImplementedError, RuntimeError):
        return b""  # no such archive: the preset then says that it found no default


def _parsed(content: bytes) -> Element | None:
    """The root, or None. A DOCTYPE is what entity bombs and references to other files are made of, and settings have none; as text, no encoding can hide it."""
    import xml.etree.ElementTree as ET

    try:
        text = content.decode("utf-8-sig")
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            return None
        root = ET.fromstring(text)  # noqa: S314 -- no DOCTYPE gets this far, and the size is limited
    except (UnicodeDecodeError, ET.ParseError, ValueError):
        return None
    return None if _too_deep(root) else root


def _too_deep(root: Element) -> bool:
    level = [root]
    for _ in range(_MAX_DEPTH):
        level = [inner for element in level for inner in element]
        if not level:
            return False
    return True


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _written(root: Element) -> bytes:
    """The settings without logins. Namespaces and attributes carry no settings."""
    parts = [_element(child) for child in root if _name(child) not in _LEFT]
    return f"<settings>{''.join(parts)}</settings>\n".encode()


def _element(element: Element) -> str:
    name = _name(element)
    inner = [child for child in element if len(child) or not looks_secret(_name(child))]
    text = without_logins(element.text or "").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"<{name}>{text}{''.join(map(_element, inner))}</{name}>\n"
