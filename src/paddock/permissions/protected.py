"""Paths that no allow rule approves beforehand: what tools read or run unasked. Spec 5.4. Data and one question; pure.

The fence has a longer list of its own; this one belongs to the rules, and both are kept.
"""

from __future__ import annotations

__all__ = ["DIRECTORIES", "FILES", "is_protected"]

DIRECTORIES = frozenset({".cargo", ".claude", ".devcontainer", ".git", ".husky", ".idea", ".mvn", ".vscode", ".yarn"})
"""Folders, at any depth, with everything in them."""

FILES = frozenset(
    {
        *(".bash_aliases", ".bash_login", ".bash_logout", ".bash_profile", ".bashrc", ".envrc", ".profile"),
        *(".zlogin", ".zlogout", ".zprofile", ".zshenv", ".zshrc"),
        *(".bazeliskrc", ".bazelrc", ".bazelversion", ".bunfig.toml", "bunfig.toml", "gradle-wrapper.properties", "maven-wrapper.properties"),
        *(".npmrc", ".pnp.cjs", ".pnp.loader.mjs", ".pnpmfile.cjs", ".yarnrc", ".yarnrc.yml"),
        *(".gitconfig", ".gitmodules", "lefthook.yml", "lefthook.yaml", ".lefthook.yml", ".lefthook.yaml", ".pre-commit-config.yaml"),
        *(".claude.json", ".devcontainer.json", ".mcp.json", "pyrightconfig.json", ".ripgreprc"),
    }
)
"""Names of files, at any depth."""


def is_protected(path: str) -> bool:
    """Whether writing to an absolute, normalised path is asked about whatever a rule allows."""
    parts = path.strip("/").split("/")
    if parts[-1] in FILES:
        return True
    for at, part in enumerate(parts):
        inside = parts[at + 1] if at + 1 < len(parts) else ""
        if part in DIRECTORIES and not (part == ".claude" and inside == "worktrees"):
            return True
        if part == ".config" and inside == "git":
            return True
    return False
