"""What else of a project or a home is run or obeyed unasked, besides protected names: too ordinary to be kept from a build, worth telling about. Data only."""

from __future__ import annotations

__all__ = ["AUTOSTART", "SCRIPT_FOLDERS", "TOOLS"]

TOOLS: dict[str, str] = {
    **dict.fromkeys(
        ("eslint.config.js", "eslint.config.mjs", "eslint.config.cjs", "eslint.config.ts", ".eslintrc.js", ".eslintrc.cjs"), "code that ESLint plugins load"
    ),
    **dict.fromkeys(
        ("prettier.config.js", "prettier.config.mjs", "prettier.config.cjs", ".prettierrc.js", ".prettierrc.cjs"), "code that Prettier plugins load"
    ),
    **dict.fromkeys(("stylelint.config.js", "stylelint.config.mjs", "stylelint.config.cjs", ".stylelintrc.js"), "code that Stylelint plugins load"),
    **dict.fromkeys(("tailwind.config.js", "tailwind.config.ts", "tailwind.config.cjs"), "code that Tailwind plugins load"),
    "rust-toolchain.toml": "which compiler cargo and editors start, by path or name",
    "rust-toolchain": "which compiler cargo and editors start, by path or name",
    "sitecustomize.py": "code that every Python started beside it runs",
    "usercustomize.py": "code that every Python started beside it runs",
}
"""Names of files, at any depth -> what reads them."""

AUTOSTART: dict[str, dict[str, str]] = {
    ".config": {
        "autostart": "programs that a desktop starts at login",
        "environment.d": "environment of everything that a login starts",
        "fish": "start-up files of fish",
        "nushell": "start-up files of nushell",
        "systemd": "services of the user",
        "nvim": "start-up scripts of Neovim",
        "Code": "settings and tasks of VS Code",
    },
}
"""Folders of a home -> names in them -> what reads them: they count when a command may write the home."""

SCRIPT_FOLDERS = ("", "bin", "scripts", "script", "tools", "hack")
"""Folders of a project, seen from its top, in which people start scripts by name."""
