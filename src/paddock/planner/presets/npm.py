"""npm and its relatives pnpm and yarn."""

from __future__ import annotations

from collections.abc import Iterator

from paddock.model import paths
from paddock.model.settings import Notice, Origin, Scope
from paddock.planner.presets import certificates, yarn
from paddock.planner.presets.base import KEY, Given, Gives, found_program
from paddock.planner.presets.ini import Line, lines
from paddock.planner.presets.urls import target_of, without_login

__all__ = ["configure", "hosts"]

# npm-config(7). What is not listed stays outside: logins (``_auth``, ``//host/:_authToken``, ``password``, ``cert``, ``key``), programs (``git``, ``editor``,
# ``script-shell``, ``shell``, ``viewer``, ``node-options``), places (``cache``, ``prefix``, ``globalconfig``, ``userconfig``) and proxies, which cannot be
# reached.
_KEPT = frozenset(
    {
        "access", "all", "allow-same-version", "audit", "audit-level", "auto-install-peers", "before", "bin-links", "browser", "ca", "cafile",
        "color", "dedupe-peer-dependents", "depth", "dev", "diff-context", "engine-strict", "expect-results", "fetch-retries", "fetch-retry-factor",
        "fetch-retry-maxtimeout", "fetch-retry-mintimeout", "fetch-timeout", "force", "foreground-scripts", "format-package-lock", "fund",
        "heading", "hoist", "hoist-pattern", "ignore-scripts", "include", "include-workspace-root", "init-author-email", "init-author-name",
        "init-author-url", "init-license", "init-version", "install-links", "install-strategy", "json", "legacy-bundling", "legacy-peer-deps",
        "link-workspace-packages", "lockfile", "lockfile-version", "loglevel", "logs-max", "long", "maxsockets", "message", "network-concurrency",
        "node-linker", "nodedir", "omit", "omit-lockfile-registry-resolved", "optional", "package-import-method", "package-lock",
        "package-lock-only", "parseable", "prefer-dedupe", "prefer-frozen-lockfile", "prefer-offline", "prefer-online", "prefer-workspace-packages",
        "production", "progress", "provenance", "public-hoist-pattern", "registry", "replace-registry-host", "resolution-mode", "save",
        "save-bundle", "save-dev", "save-exact", "save-optional", "save-peer", "save-prefix", "save-prod", "save-workspace-protocol", "scope",
        "shamefully-hoist", "shared-workspace-lockfile", "side-effects-cache", "sign-git-commit", "sign-git-tag", "strict-peer-dependencies",
        "strict-peer-deps", "strict-ssl", "tag", "tag-version-prefix", "timing", "umask", "unicode", "update-notifier", "usage", "use-node-version",
        "version-commit-hooks", "which", "workspaces", "workspaces-update", "yes",
    }
)  # fmt: skip
_ARRAY = "[]"


def configure(given: Given, gives: Gives) -> None:
    """Copies of the user's rc files without logins."""
    for path in (_user_rc(given), _pnpm_rc(given)):
        _copy(given, gives, path)
    yarn.configure(given, gives)


def hosts(given: Given, gives: Gives) -> None:
    """The registries of the rc files, the user's and the global ones, and of the environment; the one built into npm when no other replaces it."""
    replaced = False
    for name, value in given.environ.items():
        lower = name.lower()
        if (lower == "npm_config_registry" or (lower.startswith("npm_config_@") and lower.endswith(":registry"))) and gives.address(
            given, value, name, 0, "npm"
        ):
            replaced = replaced or lower == "npm_config_registry"
    for file in (paths.join(given.project_root, ".npmrc"), _user_rc(given), *_global_files(given)):
        for line in _registries(given, file):
            added = gives.address(given, line.value, file, line.number, "npm")
            replaced = replaced or (added and line.key == "registry")
    # These are for pnpm and yarn alone: npm still has its default.
    for line in _registries(given, _pnpm_rc(given)):
        gives.address(given, line.value, _pnpm_rc(given), line.number, "pnpm")
    yarn.hosts(given, gives)
    if not replaced:
        _builtin(given, gives)


def _pnpm_rc(given: Given) -> str:
    return paths.join(given.config_home, "pnpm/rc")


def _user_rc(given: Given) -> str:
    moved = given.variable("npm_config_userconfig")
    return paths.normalise(moved) if moved.startswith("/") else paths.join(given.home, ".npmrc")


def _global_files(given: Given) -> Iterator[str]:
    """``<prefix>/etc/npmrc`` and npm's own ``npmrc`` (npmrc(5)); the prefix is where node is."""
    node = found_program(given, "node", "nodejs")
    if node:
        yield paths.join(paths.ancestors(node)[0], "../etc/npmrc")
    root = _root(given)
    if root:
        yield paths.join(root, "npmrc")


def _root(given: Given) -> str:
    """The folder of the installed npm package: ``bin/npm-cli.js`` lies in it."""
    program = found_program(given, "npm")
    return paths.ancestors(program)[1] if program.endswith("/bin/npm-cli.js") else ""


def _registries(given: Given, file: str) -> Iterator[Line]:
    content = given.view.read(file)
    for line in lines((content or b"").decode("utf-8", "replace")):
        if not line.section and (line.key == "registry" or line.key.endswith(":registry")):
            yield line._replace(value=line.value.strip("'\""))


def _copy(given: Given, gives: Gives, path: str) -> None:
    content = given.view.read(path)
    if content is None:
        return
    kept: list[str] = []
    left = 0
    for line in lines(content.decode("utf-8", "surrogateescape")):
        name = line.key.removesuffix(_ARRAY)
        # ``${NAME}`` is replaced from the environment by npm: what the environment may hold inside is decided there.
        if not line.section and (name in _KEPT or (name.startswith("@") and name.endswith(":registry"))):
            kept.append(f"{line.key}={without_login(line.value)}")
            if name == "cafile":
                certificates.show(given, gives, _expanded(given, line.value))
        else:
            left += 1
    added = gives.user_file(given, path, "".join(f"{line}\n" for line in kept).encode("utf-8", "surrogateescape"))
    if added and left:
        gives.notices.append(Notice(f"{left} settings of {path} stay outside (logins, programs, places)", level="info"))


def _expanded(given: Given, value: str) -> str:
    """Quotes taken off, and ``${NAME}`` replaced as npm does (npmrc(5))."""
    parts = value.strip("'\"").split("${")
    out = parts[0]
    for part in parts[1:]:
        name, end, rest = part.partition("}")
        out += (given.environ.get(name, "") if end else name) + rest
    return out


def _builtin(given: Given, gives: Gives) -> None:
    root = _root(given)
    for inner in (
        "node_modules/@npmcli/config/lib/definitions/definitions.js",
        "lib/utils/config/definitions.js",
        "../@npmcli/config/lib/definitions/definitions.js",
    ):
        file = paths.join(root, inner) if root else ""
        content = given.view.read(file, 4 << 20) if file and not given.writable(given.view.resolve(file).path) else None
        found = _default_registry((content or b"").decode("utf-8", "replace"))
        if found is not None:
            number, url = found
            target = target_of(url)
            if target is not None:
                gives.host(target, Origin(Scope.BUILTIN, file, number, key=KEY, text=f"npm: {target.pattern()}"))
                return
    gives.notices.append(
        Notice(
            "the preset npm gives no host: no registry is configured and npm's own default was not found", Origin(Scope.BUILTIN, "builtin", key=KEY, text="npm")
        )
    )


def _default_registry(text: str) -> tuple[int, str] | None:
    """``(line, address)`` of the ``default`` in the definition of ``registry``."""
    number = 0
    inside = False
    for number, line in enumerate(text.split("\n"), 1):
        if not inside:
            inside = "'registry'," in line and "{" in line
            continue
        word, found, value = line.strip().partition(":")
        if found and word == "default":
            return number, value.strip().rstrip(",").strip("'\"`")
        if line.strip().startswith("})"):
            inside = False
    return None
