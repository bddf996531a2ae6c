"""The tools of agents that rules speak about: their names, their input, and what kind of specifier their rules take. Data only. Spec 4.1, 4.2, 4.7."""

from __future__ import annotations

from typing import Final

__all__ = ["EDITS", "FIELDS", "HARMLESS", "INSTEAD", "LABELS", "PATH_FIELDS", "PRIMARY", "READS", "SHELLS", "TOOLS"]

SHELLS: Final = frozenset({"Bash", "Monitor"})
"""Tools whose ``command`` is a shell line. ``Bash`` rules speak about both."""
READS: Final = frozenset({"Read", "Glob", "Grep", "LS", "NotebookRead"})
EDITS: Final = frozenset({"Edit", "MultiEdit", "Write", "NotebookEdit"})

PATH_FIELDS: Final = {
    **dict.fromkeys(("Read", "Edit", "MultiEdit", "Write"), "file_path"),
    **dict.fromkeys(("Glob", "Grep", "LS"), "path"),
    **dict.fromkeys(("NotebookEdit", "NotebookRead"), "notebook_path"),
}
"""Where a tool's input names its path; a search without one is about the working folder."""

PRIMARY: Final = {**dict.fromkeys(SHELLS, "command"), "WebFetch": "url", **PATH_FIELDS}
"""The field that a tool's own specifier is about; no ``Tool(field:value)`` rule can name it."""

FIELDS: Final[dict[str, frozenset[str]]] = {
    "Bash": frozenset({"command", "description", "timeout", "run_in_background", "dangerouslyDisableSandbox"}),
    "Monitor": frozenset({"command", "description", "timeout", "dangerouslyDisableSandbox"}),
    "Agent": frozenset({"subagent_type", "prompt", "description", "model", "isolation", "resume", "run_in_background", "name", "mode"}),
    "Skill": frozenset({"skill", "args"}),
    "Read": frozenset({"file_path", "offset", "limit", "pages"}),
    "Edit": frozenset({"file_path", "old_string", "new_string", "replace_all"}),
    "MultiEdit": frozenset({"file_path", "edits"}),
    "Write": frozenset({"file_path", "content"}),
    "NotebookEdit": frozenset({"notebook_path", "cell_id", "new_source", "cell_type", "edit_mode"}),
    "NotebookRead": frozenset({"notebook_path", "cell_id"}),
    "Glob": frozenset({"pattern", "path"}),
    "Grep": frozenset({"pattern", "path", "glob", "type", "output_mode", "multiline", "head_limit"}),
    "LS": frozenset({"path", "ignore"}),
    "WebFetch": frozenset({"url", "prompt"}),
    "WebSearch": frozenset({"query", "allowed_domains", "blocked_domains"}),
}
"""Input fields at the top level, by tool: what a ``Tool(field:value)`` rule may name."""

TOOLS: Final = frozenset(
    {
        *FIELDS,
        *("AskUserQuestion", "BashOutput", "Cd", "EnterPlanMode", "EnterWorktree", "ExitPlanMode", "ExitWorktree", "KillShell", "KillBash", "LSP"),
        *("ListMcpResources", "PowerShell", "ReadMcpResource", "SendMessage", "SlashCommand", "Task", "TaskCreate", "TaskGet", "TaskList", "TaskOutput"),
        *("TaskStop", "TaskUpdate", "TodoRead", "TodoWrite", "ToolSearch"),
    }
)
"""Canonical names. A rule about another one may be about a tool of a later release, so it is a warning and no error."""

HARMLESS: Final = frozenset(
    {
        *("Agent", "AskUserQuestion", "BashOutput", "EnterPlanMode", "ExitPlanMode", "KillBash", "KillShell", "SendMessage", "Task", "TaskCreate", "TaskGet"),
        *("TaskList", "TaskOutput", "TaskStop", "TaskUpdate", "TodoRead", "TodoWrite", "ToolSearch"),
    }
)
"""Tools that only move the agent's own state; what they lead to is asked about by itself."""

LABELS: Final = {"Stop Task": "TaskStop", "Web Fetch": "WebFetch", "Web Search": "WebSearch", "Update": "Edit", "Search": "Grep", "Fetch": "WebFetch"}
"""What agents show for some tools, and what rules have to say."""

INSTEAD: Final = {"Write": "Edit", "NotebookEdit": "Edit", "MultiEdit": "Edit", "Glob": "Read", "Grep": "Read", "LS": "Read"}
"""Tools whose path rules are accepted and never consulted, and the tool to write instead."""
