"""Gradle: repositories written out in the person's own init scripts, and where a project's wrapper comes from (docs.gradle.org, "Initialization Scripts").

A script is a program, so only addresses that stand in it as plain text count.
"""

from __future__ import annotations

from collections.abc import Iterator

from paddock.model import paths
from paddock.model.settings import Notice, Origin, Scope
from paddock.planner.presets.base import KEY, Given, Gives, found_program
from paddock.planner.presets.secret import looks_secret
from paddock.planner.presets.urls import target_of, without_logins

__all__ = ["configure", "hosts"]

_KEPT = ("caches", "jdks", "wrapper")
_SCRIPTS = (".gradle", ".gradle.kts")
_WRAPPER = "gradle/wrapper/gradle-wrapper.properties"
_PROPERTIES = "gradle.properties"


def configure(given: Given, gives: Gives) -> None:
    """Copies of the user's properties and init scripts without logins, and a home of the project's own for what Gradle fetches."""
    home = _home(given)
    copies: dict[str, bytes] = {}
    for file in (paths.join(home, _PROPERTIES), *_scripts(given, home)):
        content = given.view.read(file)
        if content is None:
            continue
        text = content.decode("utf-8", "surrogateescape")
        clean = _properties(text) if file.endswith(_PROPERTIES) else _script(text)
        copies[file] = clean.encode("utf-8", "surrogateescape")
        gives.user_file(given, file, copies[file])
    if found_program(given, "gradle") or given.view.kind(paths.join(given.project_root, "gradlew")) is not None:
        moved = gives.tool_home(given, "GRADLE_USER_HOME", "gradle", _KEPT)
        for file, content in copies.items() if moved else ():
            gives.made_file(f"{moved}/{paths.relative(file, home)}", content, "Gradle's configuration without logins")


def hosts(given: Given, gives: Gives) -> None:
    """The repositories of the user's init scripts, and the wrapper's address, which is the project's word."""
    before = len(gives.hosts)
    wrapper = paths.join(given.project_root, _WRAPPER)
    for number, line in enumerate((given.view.read(wrapper) or b"").decode("utf-8", "replace").split("\n"), 1):
        key, found, value = line.strip().partition("=")
        if found and key.strip() == "distributionUrl":
            gives.address(given, value.strip().replace("\\", ""), wrapper, number, "gradle")
    home = _home(given)
    for file in _scripts(given, home):
        for number, url in _addresses((given.view.read(file) or b"").decode("utf-8", "replace")):
            gives.address(given, url, file, number, "gradle")
    if len(gives.hosts) == before:
        text = "the preset gradle gives no host: no init script of yours names a repository; list the hosts of the repositories that the build uses"
        gives.notices.append(Notice(text, Origin(Scope.BUILTIN, "builtin", key=KEY, text="gradle")))


def _home(given: Given) -> str:
    moved = given.environ.get("GRADLE_USER_HOME", "")
    return paths.normalise(moved) if moved.startswith("/") and "\0" not in moved else paths.join(given.home, ".gradle")


def _scripts(given: Given, home: str) -> Iterator[str]:
    for name in ("init.gradle", "init.gradle.kts"):
        yield paths.join(home, name)
    folder = paths.join(home, "init.d")
    for name in given.view.names(folder) or () if given.view.kind(home) is not None else ():
        if name.endswith(_SCRIPTS):
            yield paths.join(folder, name)


def _addresses(text: str) -> Iterator[tuple[int, str]]:
    """``(line, address)`` of every plain string on a line about an address: ``url``, ``uri(…)``, ``maven("…")``."""
    for number, line in enumerate(text.split("\n"), 1):
        plain = line.strip()
        if plain.startswith(("//", "*", "/*")) or not any(word in plain.lower() for word in ("url", "uri(", "maven(")):
            continue
        for string in _strings(plain):
            # A name of the environment or of a property in it: where it leads is only known to the program.
            if "://" in string and "$" not in string and target_of(string) is not None:
                yield number, string


def _strings(line: str) -> Iterator[str]:
    start = 0
    while start < len(line):
        quote = line[start]
        if quote not in "\"'":
            start += 1
            continue
        end = _end(line, start)
        yield line[start + 1 : end]
        start = end + 1


def _end(line: str, start: int) -> int:
    """Where the string that begins at ``start`` ends; the line's end when nothing ends it."""
    end = start + 1
    while end < len(line) and line[end] != line[start]:
        end += 2 if line[end] == "\\" else 1
    return min(end, len(line))


def _properties(text: str) -> str:
    """Proxies cannot be reached, and anything else may be named as its reader likes."""
    kept: list[str] = []
    dropping = continued = False
    for line in text.split("\n"):
        key = line.replace(":", "=", 1).partition("=")[0].strip()
        if not continued:
            dropping = looks_secret(key) or looks_secret(line) or "proxy" in key.lower()
        continued = line.endswith("\\") and not line.endswith("\\\\") and not key.startswith(("#", "!"))
        if not dropping:
            kept.append(without_logins(line))
    return "\n".join(kept)


def _script(text: str) -> str:
    """The same script with its logins emptied: strings on lines that name one, and every string between the braces of ``credentials``."""
    out: list[str] = []
    depth = 0
    for line in text.split("\n"):
        inside = depth > 0 or "credentials" in line.lower()
        if inside:
            depth = max(0, depth + line.count("{") - line.count("}"))
        out.append(without_logins(_emptied(line) if inside or looks_secret(line) else line))
    return "\n".join(out)


def _emptied(line: str) -> str:
    out, start = "", 0
    while start < len(line):
        if line[start] in "\"'":
            out += line[start] * 2
            start = _end(line, start) + 1
        else:
            out += line[start]
            start += 1
    return out
