"""Names that nothing inside the fence may change: files that a person's tools read or run later, outside, without asking.

Data only. Each entry says what reads it. ``planner/scan.py`` looks for these names, ``planner/protect.py`` makes them read-only. Some names are left out on
purpose, because builds rewrite them all day and nothing runs them unasked: ``.editorconfig``, ``.gitattributes`` (it can only choose among drivers that the
protected git configuration defines), ``.gitignore``, ``package.json``, ``Makefile``, ``.env``.
"""

from __future__ import annotations

__all__ = ["ANYWHERE", "DEPENDENCY_FOLDERS", "KEPT_WRITABLE", "NESTED", "OWN_FOLDER", "PREFIXES", "SETTINGS_FILES"]

OWN_FOLDER = ".paddock"
"""Paddock's folder of a project: never writable, and ``unprotect`` does not lift it."""

ANYWHERE: dict[str, str] = {
    # -- agents: instructions and settings that are obeyed at the next start
    ".claude": "settings, hooks, skills, commands and agents of Claude Code",
    ".claude.json": "state and trust decisions of Claude Code",
    ".mcp.json": "a list of MCP servers that agents start",
    "CLAUDE.md": "instructions to Claude Code",
    "CLAUDE.local.md": "private instructions to Claude Code",
    "AGENTS.md": "instructions to many agents",
    "AGENTS.override.md": "instructions to Codex that win over AGENTS.md",
    "AGENT.md": "instructions to many agents (older spelling)",
    "GEMINI.md": "instructions to Gemini CLI",
    ".gemini": "settings and extensions of Gemini CLI",
    ".codex": "settings of Codex",
    ".agents": "skills shared by many agents",
    ".cursor": "rules, MCP servers and hooks of Cursor",
    ".cursorrules": "instructions to Cursor",
    ".continue": "settings of Continue",
    ".continuerc.json": "settings of Continue",
    ".windsurf": "rules of Windsurf",
    ".windsurfrules": "instructions to Windsurf",
    ".clinerules": "instructions to Cline",
    ".clineignore": "what Cline may not read",
    ".roo": "rules of Roo Code",
    ".roomodes": "modes of Roo Code",
    ".amazonq": "rules and agents of Amazon Q",
    ".kiro": "steering files and hooks of Kiro",
    ".junie": "instructions to Junie",
    ".goosehints": "instructions to Goose",
    ".opencode": "settings and plugins of opencode",
    "opencode.json": "settings of opencode",
    "opencode.jsonc": "settings of opencode",
    ".qwen": "settings of Qwen Code",
    ".augment": "rules of Augment",
    ".augment-guidelines": "instructions to Augment",
    ".trae": "rules of Trae",
    ".factory": "settings of Factory",
    "QWEN.md": "instructions to Qwen Code",
    "WARP.md": "instructions to Warp",
    "CRUSH.md": "instructions to Crush",
    "crush.json": "settings of Crush, which can name programs",
    ".crush.json": "settings of Crush, which can name programs",
    ".openhands": "setup scripts and instructions of OpenHands",
    ".rules": "instructions to Zed",
    # -- editors: tasks, interpreters and scripts that run when a folder is opened
    ".vscode": "tasks and settings of VS Code",
    ".idea": "run configurations of JetBrains editors",
    ".run": "shared run configurations of JetBrains editors",
    ".fleet": "run configurations of Fleet",
    ".zed": "tasks and settings of Zed",
    ".helix": "settings of Helix, which name the programs it starts for a language",
    ".nvim": "start-up scripts of Neovim",
    ".vim": "start-up scripts of Vim",
    ".vimrc": "start-up script of Vim",
    ".gvimrc": "start-up script of Vim",
    ".exrc": "start-up script of vi, read in the current folder",
    ".nvimrc": "start-up script of Neovim, read in the current folder",
    ".nvim.lua": "start-up script of Neovim, read in the current folder",
    ".vimrc.lua": "start-up script of Neovim plugins",
    ".lvimrc": "start-up script of Vim, read in the current folder",
    ".dir-locals.el": "Lisp that Emacs evaluates in this folder",
    ".dir-locals-2.el": "Lisp that Emacs evaluates in this folder",
    ".emacs": "start-up script of Emacs",
    ".emacs.d": "start-up scripts of Emacs",
    ".sublime-project": "build commands of Sublime Text",
    "pyrightconfig.json": "names the interpreter that an editor starts",
    # -- containers that editors start
    ".devcontainer": "commands that run on the host when a container is made",
    ".devcontainer.json": "commands that run on the host when a container is made",
    # -- hooks
    ".husky": "git hooks",
    ".githooks": "git hooks",
    ".pre-commit-config.yaml": "git hooks of pre-commit",
    ".pre-commit-hooks.yaml": "git hooks of pre-commit",
    "lefthook.yml": "git hooks of lefthook",
    "lefthook.yaml": "git hooks of lefthook",
    ".lefthook.yml": "git hooks of lefthook",
    ".lefthook.yaml": "git hooks of lefthook",
    "lefthook-local.yml": "git hooks of lefthook",
    ".lefthook-local.yml": "git hooks of lefthook",
    ".lefthook": "git hook scripts of lefthook",
    ".overcommit.yml": "git hooks of overcommit",
    # -- git
    ".gitconfig": "configuration of git, which can name programs",
    ".gitmodules": "addresses and paths of submodules",
    ".lfsconfig": "configuration of git-lfs, which can name programs",
    # -- shells and what they read
    ".bashrc": "start-up file of bash",
    ".bash_profile": "start-up file of bash",
    ".bash_login": "start-up file of bash",
    ".bash_logout": "run when a bash ends",
    ".bash_aliases": "read by the start-up file of bash",
    ".profile": "start-up file of login shells",
    ".xprofile": "start-up file of graphical sessions",
    ".xinitrc": "start-up file of graphical sessions",
    ".xsession": "start-up file of graphical sessions",
    ".zshenv": "start-up file of zsh",
    ".zshrc": "start-up file of zsh",
    ".zprofile": "start-up file of zsh",
    ".zlogin": "start-up file of zsh",
    ".zlogout": "run when a zsh ends",
    ".kshrc": "start-up file of ksh",
    ".cshrc": "start-up file of csh",
    ".tcshrc": "start-up file of tcsh",
    ".login": "start-up file of csh",
    ".inputrc": "keys that readline turns into commands",
    ".envrc": "script that direnv runs on entering a folder",
    ".direnv": "what direnv loads",
    ".mise.toml": "environment, hooks and tasks of mise, loaded on entering a folder",
    "mise.toml": "environment, hooks and tasks of mise, loaded on entering a folder",
    ".autoenv": "script that autoenv runs on entering a folder",
    ".tmux.conf": "commands of tmux",
    ".screenrc": "commands of screen",
    ".gdbinit": "script that gdb runs",
    ".lldbinit": "script that lldb runs",
    # -- interpreters and tools that read a script in the current folder
    ".pdbrc": "commands that Python's debugger runs",
    ".irbrc": "script that irb runs",
    ".pryrc": "script that pry runs",
    ".rvmrc": "script that rvm runs on entering a folder",
    ".Rprofile": "script that R runs",
    ".Renviron": "environment of R, which can name a script",
    ".ghci": "commands that ghci runs",
    ".iex.exs": "script that iex runs",
    ".ocamlinit": "script that ocaml runs",
    ".latexmkrc": "script that latexmk runs",
    "latexmkrc": "script that latexmk runs",
    ".ripgreprc": "options of ripgrep, which can name a program",
    ".curlrc": "options of curl",
    ".wgetrc": "options of wget",
    # -- package managers and build tools: where code is fetched from and which scripts run
    ".npmrc": "configuration of npm, which can name registries and scripts",
    ".pnpmfile.cjs": "code that pnpm runs",
    ".pnpmfile.mjs": "code that pnpm runs",
    ".yarnrc": "configuration of yarn, which can name the program itself",
    ".yarnrc.yml": "configuration of yarn, which can name the program itself",
    ".yarn": "plugins and releases of yarn, which are run",
    ".pnp.cjs": "code that node loads for yarn",
    ".pnp.loader.mjs": "code that node loads for yarn",
    "bunfig.toml": "configuration of bun, which can preload code",
    ".bunfig.toml": "configuration of bun, which can preload code",
    ".cargo": "configuration of cargo, which can name programs",
    ".mvn": "options and extensions of Maven",
    "gradle-wrapper.properties": "what the Gradle wrapper downloads and runs",
    "maven-wrapper.properties": "what the Maven wrapper downloads and runs",
    ".jvmopts": "options of the JVM that sbt starts, which can name code",
    ".sbtopts": "options of sbt and its JVM, which can name code",
    ".bazelrc": "options of Bazel, which can name programs",
    ".bazeliskrc": "which Bazel is downloaded and run",
    ".bazelversion": "which Bazel is downloaded and run",
    ".pypirc": "upload targets and passwords of Python packages",
    "pip.conf": "configuration of pip, which can name indexes",
    # -- pipelines that run with other people's secrets
    ".gitlab-ci.yml": "a CI pipeline",
    ".travis.yml": "a CI pipeline",
    ".circleci": "CI pipelines",
    ".buildkite": "CI pipelines",
    ".drone.yml": "a CI pipeline",
    ".woodpecker.yml": "a CI pipeline",
    ".woodpecker": "CI pipelines",
    "azure-pipelines.yml": "a CI pipeline",
    "bitbucket-pipelines.yml": "a CI pipeline",
    "Jenkinsfile": "a CI pipeline",
}
"""Single names, at any depth: name -> what reads it."""

PREFIXES: dict[str, str] = {
    ".aider": "settings and instructions of aider",
    ".roorules": "instructions to Roo Code",
}
"""Beginnings of names, for tools that have many."""

NESTED: dict[str, dict[str, str]] = {
    ".github": {
        "workflows": "CI pipelines",
        "actions": "steps of CI pipelines",
        "copilot-instructions.md": "instructions to Copilot",
        "instructions": "instructions to Copilot",
        "prompts": "prompts of Copilot",
        "agents": "agents of Copilot",
        "hooks": "hooks of Copilot",
    },
    ".gitea": {"workflows": "CI pipelines"},
    ".forgejo": {"workflows": "CI pipelines"},
    ".hg": {
        "hgrc": "configuration of Mercurial, which can name programs",
        "hgrc-not-shared": "configuration of Mercurial, which can name programs",
        "sharedpath": "where Mercurial looks for configuration",
    },
    ".config": {"git": "configuration of git, which can name programs", "mise": "environment, hooks and tasks of mise", "direnv": "configuration of direnv"},
}
"""Folders that are ordinary themselves and hold protected names: folder -> name -> what reads it."""

KEPT_WRITABLE: dict[str, tuple[str, ...]] = {
    # Checkouts that agents make for their own parallel work: ordinary working folders.
    ".claude": ("worktrees",),
}
"""Inside a protected folder: what stays ordinary."""

SETTINGS_FILES: dict[str, tuple[str, ...]] = {".claude": ("settings.json", "settings.local.json")}
"""Where policy itself is read from: ``unprotect`` of the folder does not lift these."""

DEPENDENCY_FOLDERS = frozenset(
    {"node_modules", "bower_components", "site-packages", "dist-packages", ".venv", "venv", ".tox", ".nox", "vendor", "target", "__pypackages__"}
)
"""Folders that a tool fills and replaces as a whole, with thousands of packages that bring these very names: only git repositories are protected in there."""
