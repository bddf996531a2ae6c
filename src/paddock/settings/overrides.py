"""Where Paddock is stricter than the reference semantics: a second layer on top of the first, by name.

This room and ``permissions`` implement what the public format documents. Each row below is one place where ``paddock run`` goes further. The functions that
differ take the set of names that are in force: all of them for a run, none for the reference. The table in ``docs/explanation/differences.md`` is made from
these rows. Rules of this file: data only.
"""

from __future__ import annotations

__all__ = [
    "AUTO_MODE",
    "BROKEN_FILES",
    "BROKEN_RULES",
    "COMPLETE_LINES",
    "DENY_READS_THROUGH",
    "EVERY",
    "EVERY_PART",
    "FILES_ALWAYS",
    "HIDDEN_SECRETS",
    "HOME_FOLDER",
    "MANAGED_BROKEN",
    "MANAGED_OWNERS",
    "NEVER_OUTSIDE",
    "OVERRIDES",
    "OWN_FILES",
    "REFERENCE",
    "REPORTS",
    "RUN_FENCES",
    "TRUST",
    "UNKNOWN_KEYS",
    "UNLISTED_HOSTS",
    "WRITE_PATTERNS",
    "Override",
]

RUN_FENCES = "run-fences"
NEVER_OUTSIDE = "never-outside"
FILES_ALWAYS = "files-always"
HIDDEN_SECRETS = "hidden-secrets"
UNLISTED_HOSTS = "unlisted-hosts"
AUTO_MODE = "auto-mode"
TRUST = "trust"
UNKNOWN_KEYS = "unknown-keys"
BROKEN_FILES = "broken-files"
BROKEN_RULES = "broken-rules"
MANAGED_BROKEN = "managed-broken"
MANAGED_OWNERS = "managed-owners"
WRITE_PATTERNS = "write-patterns"
REPORTS = "reports"
HOME_FOLDER = "home-folder"
OWN_FILES = "own-files"
DENY_READS_THROUGH = "deny-reads-through"
COMPLETE_LINES = "complete-lines"
EVERY_PART = "every-part"


class Override:
    """One difference. ``reference`` is what the format says, ``paddock`` what happens here, ``reason`` why; each completes a table cell."""

    __slots__ = ("id", "paddock", "reason", "reference", "title")

    def __init__(self, id_: str, title: str, reference: str, paddock: str, reason: str) -> None:
        self.id = id_
        self.title = title
        self.reference = reference
        self.paddock = paddock
        self.reason = reason


OVERRIDES: tuple[Override, ...] = (
    Override(
        RUN_FENCES,
        "A run is fenced",
        "`enabled: false`, a platform that `enabledPlatforms` leaves out, or a sandbox that cannot start without `failIfUnavailable` run the command unfenced",
        "`paddock run` fences or does not start",
        "a run with less than was asked for looks like one with all of it",
    ),
    Override(
        NEVER_OUTSIDE,
        "Nothing runs outside",
        "`excludedCommands` and the call's own escape take commands outside, and one excluded part takes a whole line with it",
        "`paddock run` takes no part of a command outside",
        "any scope can add an entry, and a line can be put together by anybody",
    ),
    Override(
        FILES_ALWAYS,
        "Files are always fenced",
        "`filesystem.disabled`, `allowAllUnixSockets` and `enableWeakerNestedSandbox` drop parts of the fence",
        "the parts stay",
        "the stricter way needs nobody's consent",
    ),
    Override(
        HIDDEN_SECRETS,
        "Credentials are hidden",
        "everything is readable unless denied, and every variable is passed on",
        "credential locations are hidden and secret-looking variables taken out; `allowRead`, `allowWrite` and `paddock.environment.keep` re-open single items",
        "most teams have no entry for each of them",
    ),
    Override(
        UNLISTED_HOSTS,
        "Unlisted hosts are refused",
        "an unlisted host is asked about, unless `strictAllowlist` or the administrator's lock is set",
        "it is refused unless there is somebody to ask",
        "a question that nobody answers is not a yes",
    ),
    Override(
        AUTO_MODE,
        "No automatic decisions",
        "permission mode `auto` lets a classifier decide",
        "`auto` counts as `default`",
        "the same call has to get the same answer tomorrow",
    ),
    Override(
        TRUST,
        "A project widens nothing unseen",
        "only `permissions.allow` and `additionalDirectories` of a project wait for trust, which is given to a folder and once",
        "every entry that widens, local files' included, waits for `paddock trust`, which accepts exactly these entries; a changed set waits again",
        "whoever can write the repository can write the file",
    ),
    Override(
        UNKNOWN_KEYS,
        "Unknown keys are errors",
        "an unknown key is accepted and ignored",
        "below `sandbox`, `permissions` and `paddock` it is an error with its place and the nearest spelling",
        "a restriction with a typing error protects nothing",
    ),
    Override(
        BROKEN_FILES,
        "A broken file stops the run",
        "a user, project or local file that cannot be read as settings is skipped, silently when nobody is there",
        "it is an error with its place; a name that stands twice in one object and a file above 2 MiB are errors too",
        "its restrictions would be gone without a word",
    ),
    Override(
        BROKEN_RULES,
        "A broken deny rule stops the run",
        "a rule that cannot be understood is skipped with a warning, in every list",
        "in the deny list it is an error",
        "skipping it opens what it was to close",
    ),
    Override(
        MANAGED_BROKEN,
        "A broken managed file stops the run",
        "a managed file that is no JSON contributes nothing, and in one with wrong values those are repaired or dropped",
        "both are errors, except that wrong values of keys that only concern an agent's own tools are repaired as documented",
        "an administrator's typing error must not open every machine",
    ),
    Override(
        MANAGED_OWNERS,
        "Managed files belong to root",
        "a managed file counts whoever can write it",
        "it is refused when it, a folder above it or a link on the way belongs to, or can be written by, somebody else",
        "it binds everybody, so nobody else may change it",
    ),
    Override(
        WRITE_PATTERNS,
        "Patterns in `denyWrite` are carried out",
        "on Linux a `denyWrite` entry or `Edit` deny rule with a wildcard has no effect on commands",
        "it covers everything that matches when the command starts",
        "a denial that is shown must hold",
    ),
    Override(
        REPORTS,
        "Every violation is reported",
        "`ignoreViolations` keeps violations out of the report",
        "the report has all of them",
        "whoever writes the entry is not who reads the report",
    ),
    Override(
        HOME_FOLDER,
        "Not in home",
        "the working folder may be anything",
        "not home, `/` or a folder above home without `--allow-home`",
        "the fence would hold nothing back",
    ),
    Override(
        OWN_FILES,
        "Paddock's own files stay as they are",
        "the program's installation and state are files like any other",
        "they are never writable from inside; an installation in the project that cannot be kept is refused",
        "what builds the fence must not be changed from inside it",
    ),
    Override(
        DENY_READS_THROUGH,
        "Deny rules read closely",
        "a deny or ask rule about `rm` says nothing about `/bin/rm`, and nothing about the text that a shell, `eval` or `trap` is given",
        "it does",
        "whoever denies a program means the program and not a spelling",
    ),
    Override(
        COMPLETE_LINES,
        "Only complete lines are allowed",
        "a line that ends within quotes can be allowed by a rule",
        "no rule allows a line that was not understood to its end; one of more than 20,000 characters is asked about where deny or ask rules could mean it",
        "what is missing decides what runs",
    ),
    Override(
        EVERY_PART,
        "One excluded part takes nothing else along",
        "a line with one command of `excludedCommands` runs outside as a whole",
        "a line leaves the fence only when each of its commands is excluded",
        "`cat secret; git status` is no git command",
    ),
)

EVERY: frozenset[str] = frozenset(override.id for override in OVERRIDES)
"""What holds for a run."""

REFERENCE: frozenset[str] = frozenset()
"""The documented semantics, without any of them."""
