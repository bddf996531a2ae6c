"""Named settings for cases that every team meets: data, validated like any file. The library, ``--profile`` and ``paddock init`` offer them.

They name tools and never hosts: which registry a tool goes to is a matter of its configuration on each machine. The ``//`` members are comments; ``paddock
init`` writes them into the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from paddock.errors import UsageError

__all__ = ["PROFILES", "Profile", "profile_named"]


class Profile(NamedTuple):
    """``settings`` as in a file. ``workspace`` says that a run gets a fresh private folder of its own unless it names one, which it may then only read.

    ``kind``: a ``language`` is chosen by what a project holds, an ``addition`` joins whatever the project needs, one that stands ``alone`` joins nothing, and a
    ``managed`` one belongs into an administrator's file and nowhere else. ``readme`` is a note for the people of a project, in Markdown.
    """

    name: str
    summary: str
    settings: Mapping[str, object]
    workspace: bool = False
    kind: str = "language"
    readme: str = ""


def _language(name: str, summary: str, tools: tuple[str, ...], why: str, publish: tuple[str, ...], sandbox: Mapping[str, object] | None = None) -> Profile:
    """A profile of which the heart is the presets of tools, and which asks before something is given to the world."""
    settings: dict[str, object] = {
        "permissions": {"//": "Agents ask a person before they publish. Commands inside the fence need no question otherwise.", "ask": list(publish)},
        "paddock": {"network": {"//": why, "tools": list(tools)}},
    }
    return Profile(name, summary, {**settings, "sandbox": sandbox} if sandbox else settings)


_WEB = _language(
    "web",
    "a project for Node: packages from the registry that npm is configured for, development servers reachable from a browser on this machine",
    ("npm",),
    "The registries that npm, pnpm and yarn are configured for can be reached; their logins stay outside, and downloads go to a cache of this project.",
    ("Bash(npm publish *)", "Bash(pnpm publish *)", "Bash(yarn publish *)", "Bash(yarn npm publish *)"),
    {
        "network": {
            "//": "Development servers are reachable on this machine's loopback, and nowhere else. paddock.network.publish opens single ports instead.",
            "allowLocalBinding": True,
        }
    },
)
_PYTHON = _language(
    "python",
    "a project for Python: packages from the index that pip is configured for",
    ("pip",),
    "The indexes that pip and uv are configured for can be reached; their logins stay outside, and what they download goes to a cache of this project.",
    ("Bash(twine upload *)", "Bash(uv publish *)", "Bash(poetry publish *)", "Bash(hatch publish *)", "Bash(flit publish *)"),
)
_RUST = _language(
    "rust",
    "a project for Cargo: crates from the registries that it is configured for",
    ("cargo",),
    "The registries that cargo is configured for can be reached; their tokens stay outside, and what it downloads goes to a cache of this project.",
    ("Bash(cargo publish *)", "Bash(cargo yank *)", "Bash(cargo owner *)"),
)
_GO = _language(
    "go",
    "a project for Go: modules from the proxy that it is configured for",
    ("go",),
    "The module proxy and the checksum database that go is configured for can be reached, and what it downloads goes to a cache of this project.",
    ("Bash(git push *)",),  # a tag that is pushed is a release
)
_JAVA = _language(
    "java",
    "a project for Maven or Gradle: artifacts from the repositories that they are configured for",
    ("maven", "gradle"),
    "The repositories that Maven and Gradle are configured for can be reached; their passwords stay outside, and downloads go to a cache of this project.",
    ("Bash(mvn deploy *)", "Bash(./mvnw deploy *)", "Bash(gradle publish *)", "Bash(./gradlew publish *)"),
)
_UNTRUSTED = Profile(
    "untrusted",
    "code that nobody has looked at: an empty folder, no network, nothing of the caller's, little of the machine",
    {
        "sandbox": {
            "network": {"//": "No host at all, whatever else allows one.", "deniedDomains": ["*"], "allowLocalBinding": False},
            "filesystem": {
                "//": "Where people, their backups and their services keep things, as the file system hierarchy standard has it.",
                "denyRead": ["~/", "/home", "/root", "/srv", "/mnt", "/media", "/opt", "/var/lib", "/var/log", "/var/backups", "/var/spool", "/var/mail"],
                "allowRead": ["."],
            },
        },
        "paddock": {
            "environment": {
                "//": "What a program needs to find others and to write in the right language; everything else may say something about the caller.",
                "remove": ["*"],
                "keep": ["PATH", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TERM", "TZ"],
                "set": {"HOME": "/tmp"},  # noqa: S108 -- the fence's own, private and empty
            },
            "limits": {"memoryMb": 2048, "processes": 128, "cpuSeconds": 300, "timeoutSeconds": 600, "openFiles": 1024, "diskMb": 256},
        },
    },
    workspace=True,
    kind="alone",
)
_ENGINES = ("docker", "docker-compose", "podman", "podman-compose", "nerdctl", "buildah")
_CONTAINERS = Profile(
    "containers",
    "a project that builds or starts containers: no engine is reached from inside, and an agent asks a person before each call of one outside",
    {
        "permissions": {
            "//": "Who may talk to a container engine may do what the engine may: a container can see the whole machine. So a person looks first.",
            "ask": [f"Bash({engine} *)" for engine in _ENGINES],
        },
        "sandbox": {
            "//": "An agent may ask for one command to run outside, where the engine is; a person is asked every time. `paddock run` takes nothing outside.",
            "allowUnsandboxedCommands": True,
        },
    },
    kind="addition",
)
_README = """# How commands run here

`settings.json` beside this note says what commands in this project may read, write and reach. Paddock holds them to it, and so any coding agent that
you start with it.

1. Install Paddock in an environment of its own, and try your machine: `paddock doctor`.
2. Read what this project opens and accept it, once: `paddock trust`. What it closes counts without asking.
3. Put it in front of what you run: `paddock run -- COMMAND`. For an agent with hooks: `paddock install AGENT`.

When something is refused, the end of the output says what, by which rule and what would allow it; `paddock why` tells more. A change to
`settings.json` is a change for everybody: put it up for review like code, and everybody sees it again in `paddock trust`. What only you need goes into
`settings.local.json`, which git should ignore.
"""
_TEAM = Profile(
    "team",
    "a repository that several people work in: the same fence for all, nobody's agent leaves it, and a note for new members",
    {
        "permissions": {
            "//": "Agents ask a person before they push, and nobody's agent works without questions altogether.",
            "ask": ["Bash(git push *)"],
            "disableBypassPermissionsMode": "disable",
        },
        "sandbox": {
            "//": "No call of an agent may ask to run outside.",
            "allowUnsandboxedCommands": False,
            "filesystem": {
                "//": "Files in which projects keep real secrets. Entries for files that are not there do no harm.",
                "denyRead": ["./.env.production", "./.env.local", "./secrets"],
            },
        },
        "paddock": {"limits": {"//": "A command that runs away ends after two hours.", "timeoutSeconds": 7200}},
    },
    kind="addition",
    readme=_README,
)
_ENTERPRISE = Profile(
    "enterprise",
    "a baseline for an administrator's file, /etc/paddock/managed-settings.json: what no user and no project can take back",
    {
        "//": "Lists here are joined with those of users and projects, and single values here win. docs/how-to/managed-settings.md says more.",
        "permissions": {"//": "No agent works without rules.", "disableBypassPermissionsMode": "disable", "disableAutoMode": "disable"},
        "sandbox": {
            "//": "For agents with a sandbox of their own that read this file too; `paddock run` always does what these three ask for.",
            "enabled": True,
            "failIfUnavailable": True,
            "allowUnsandboxedCommands": False,
            "network": {
                "//": [
                    "Clouds hand out credentials at these addresses: closed even for a project that lists them.",
                    '"allowManagedDomainsOnly": true would let only hosts count that stand in allowedDomains of this file.',
                ],
                "strictAllowlist": True,
                "deniedDomains": ["169.254.169.254", "[fd00:ec2::254]", "metadata.google.internal"],
            },
        },
        "paddock": {
            "backend": "namespaces",
            "filesystem": {"//": "Nobody makes git's hooks, shell start-up files and their like writable.", "allowManagedUnprotectOnly": True},
        },
    },
    kind="managed",
)

PROFILES: Mapping[str, Profile] = {profile.name: profile for profile in (_WEB, _PYTHON, _RUST, _GO, _JAVA, _UNTRUSTED, _CONTAINERS, _TEAM, _ENTERPRISE)}


def profile_named(name: str) -> Profile:
    """The profile called ``name``. Raises ``UsageError`` with the nearest name."""
    found = PROFILES.get(name)
    if found is None:
        from difflib import get_close_matches

        near = get_close_matches(name, PROFILES, 1)
        raise UsageError(f"there is no profile {name!r}", hint=f"did you mean {near[0]!r}?" if near else "known: " + ", ".join(PROFILES))
    return found
