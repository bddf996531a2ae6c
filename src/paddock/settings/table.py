"""Every key that Paddock knows: one row each. Validation, merging, trust, the JSON Schema and the reference pages are all derived from these rows.

The columns are explained at ``Key``. Rules of this file: data only; a row says what a key is, never how something is done with it. Sources: spec 1.5
(scopes), 1.2 (merging), 2 (the ``sandbox`` object), DESIGN 4 (the ``paddock`` object).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from paddock.model.settings import Scope
from paddock.settings import shapes
from paddock.settings.types import Shape, any_value, boolean, choice, integer, list_of, map_of, number, text

__all__ = ["ALSO", "KEYS", "SECTIONS", "TABLE", "Class", "Key", "Merge", "Widens"]


class Class(str, Enum):
    """What ``paddock run`` does with a key."""

    ENFORCED = "enforced"
    BY_CONSTRUCTION = "satisfied by construction"
    TOOL_LAYER = "concerns the tool layer"
    REFUSED = "refused"


class Merge(str, Enum):
    """How the scopes are combined.

    ``UNION``: a list, entries of all scopes. ``SCALAR``: one value, the strongest scope's. ``MAP``: per name, the strongest scope's. ``LISTS``: an object of
    lists, each a union of its own (stored as ``key.name``). ``MANAGED_LIST``: the managed list alone when there is one, even an empty one, otherwise a union.
    ``INTERSECTION``: a list of what stands in every file that has the list, in the same words.
    """

    UNION = "union"
    SCALAR = "scalar"
    MAP = "map"
    LISTS = "lists"
    MANAGED_LIST = "managed list"
    INTERSECTION = "intersection"


class Widens(str, Enum):
    """Whether an entry gives the command more than it would have without, so that a repository may not bring it along untrusted.

    ``VALUES``: only the values in ``widening_values`` do. ``OUTSIDE_PROJECT``: paths that leave the project (or re-open something that another scope closed).
    """

    NEVER = "never"
    ALWAYS = "always"
    VALUES = "values"
    OUTSIDE_PROJECT = "outside project"


class Key:
    """One row. ``about`` is one sentence for people. ``scopes`` may set it; anywhere else it is read and void.

    ``stricter`` lists scalar values from the loosest to the strictest; for numbers ``"less"``. Two files of one scope that disagree are judged by it.
    ``one_way`` are scopes whose stricter value holds even against a stronger scope. ``tighten_only``: a project file may make it stricter than the weaker
    scopes do, never looser. ``lock`` names the managed key that makes every entry below managed void.

    ``held``: in the reference, entries of a project wait for trust, ``always`` or only when a person sits there (``interactive``). ``every_admin``: which
    values of administrators' sources that were not selected count all the same. ``broken`` holds the one value that a managed file's unusable value stands
    for; empty: the value is dropped. ``spellings`` are other words for values, ``also`` other names of the key. ``split`` names the list inside each item
    of which every member is an entry of its own.
    """

    name: str
    shape: Shape
    merge: Merge
    cls: Class
    about: str
    # The defaults are attributes of the class, and a row holds only what it says: a quarter of the time of a named tuple with as many fields.
    default: object = None
    scopes: frozenset[Scope] = frozenset(Scope)
    widens: Widens = Widens.NEVER
    widening_values: tuple[object, ...] = ()
    stricter: tuple[object, ...] | str = ()
    one_way: frozenset[Scope] = frozenset()
    tighten_only: bool = False
    lock: str = ""
    held: str = ""
    every_admin: str = ""
    broken: tuple[object, ...] = ()
    spellings: tuple[tuple[str, str], ...] = ()
    also: tuple[str, ...] = ()
    split: str = ""
    since: str = "0.1"

    def __init__(self, name: str, shape: Shape, merge: Merge, cls: Class, about: str, **columns: object) -> None:
        vars(self).update(columns, name=name, shape=shape, merge=merge, cls=cls, about=about)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"the row of {self.name} is fixed")


_EVERY = frozenset(Scope)
_MANAGED = frozenset({Scope.MANAGED})
_NOT_REPOSITORY = frozenset({Scope.MANAGED, Scope.CLI, Scope.USER, Scope.BUILTIN})
_NOT_PROJECT = _EVERY - {Scope.PROJECT}
_REPOSITORY = frozenset({Scope.PROJECT, Scope.LOCAL})

_ON = (False, True)  # true is the stricter value
_OFF = (True, False)  # false is the stricter value
_BOOLEAN = boolean()

_PATHS_LOCK = "sandbox.filesystem.allowManagedReadPathsOnly"
_DOMAINS_LOCK = "sandbox.network.allowManagedDomainsOnly"
_RULES_LOCK = "allowManagedPermissionRulesOnly"


def _scalar(name: str, shape: Shape, cls: Class, about: str, **columns: object) -> Key:
    return Key(name, shape, Merge.SCALAR, cls, about, **columns)


def _union(name: str, shape: Shape, cls: Class, about: str, **columns: object) -> Key:
    return Key(name, shape, Merge.UNION, cls, about, **columns)


_AGENT = Class.TOOL_LAYER

_TOP_LEVEL = (
    Key(
        "env",
        map_of(shapes.VARIABLE_VALUE, shapes.variable_name),
        Merge.MAP,
        Class.ENFORCED,
        "Variables set for every command.",
        widens=Widens.ALWAYS,
        held="interactive",
        every_admin="any",
    ),
    Key(
        "hooks",
        map_of(any_value("a list", list)),
        Merge.LISTS,
        _AGENT,
        "Handlers that run around an agent's tool calls; nothing runs them under `run`.",
        lock="allowManagedHooksOnly",
        held="interactive",
        split="hooks",
    ),
    _scalar(_RULES_LOCK, _BOOLEAN, Class.ENFORCED, "Only the administrator's permission rules count.", scopes=_MANAGED, default=False, stricter=_ON),
    _scalar("disableAllHooks", _BOOLEAN, _AGENT, "Switches hooks off; from below managed, all but the administrator's.", default=False),
    _scalar("allowManagedHooksOnly", _BOOLEAN, _AGENT, "Only the administrator's hooks run.", scopes=_MANAGED, default=False, stricter=_ON, broken=(True,)),
    _scalar("disableClaudeAiConnectors", _BOOLEAN, _AGENT, "Hosted connectors stay off.", stricter=_ON, one_way=_EVERY),
    _scalar("isolatePeerMachines", _BOOLEAN, _AGENT, "Other machines of the same account stay out.", stricter=_ON, one_way=_EVERY),
    _scalar(
        "useAutoModeDuringPlan",
        _BOOLEAN,
        _AGENT,
        "Automatic decisions while planning.",
        scopes=_NOT_PROJECT,
        stricter=_OFF,
        one_way=_NOT_PROJECT,
        every_admin="stricter",
    ),
    _scalar("syncClaudeAiSkills", _BOOLEAN, _AGENT, "Skills of the account are loaded.", stricter=_OFF, one_way=_NOT_PROJECT, every_admin="stricter"),
    _scalar("remoteControlAtStartup", _BOOLEAN, _AGENT, "Remote control from the start.", stricter=_OFF, one_way=_REPOSITORY),
    _scalar(
        "crossSessionInbound",
        choice("accept", "hold", "refuse"),
        _AGENT,
        "Messages of other sessions.",
        stricter=("accept", "hold", "refuse"),
        one_way=_REPOSITORY,
    ),
    _scalar("fallbackModel", any_value("a model or a list of models", str, list), _AGENT, "Models to use when the first is not available."),
    Key("availableModels", shapes.STRINGS, Merge.MANAGED_LIST, _AGENT, "Models that may be chosen.", broken=([],)),
    _scalar("enforceAvailableModels", _BOOLEAN, _AGENT, "Only listed models may be chosen.", stricter=_ON, broken=(True,)),
    _scalar("model", text(), _AGENT, "The agent's model."),
    _scalar("cleanupPeriodDays", integer(1), _AGENT, "Days that an agent keeps its transcripts."),
    _scalar("includeCoAuthoredBy", _BOOLEAN, _AGENT, "Whether an agent names itself in commits.", stricter=_OFF, every_admin="stricter"),
    _scalar("attribution", any_value("an object", dict), _AGENT, "How an agent names itself in commits and pull requests.", every_admin="any"),
    _scalar("autoMode", any_value(), _AGENT, "Automatic decisions.", scopes=_NOT_REPOSITORY),
    _scalar("skipAutoPermissionPrompt", any_value(), _AGENT, "No question before automatic decisions.", scopes=_NOT_REPOSITORY),
    _scalar("skipDangerousModePermissionPrompt", any_value(), _AGENT, "No question before the mode that asks nothing.", scopes=_NOT_PROJECT),
    _scalar("requiredMinimumVersion", shapes.VERSION, _AGENT, "The oldest release of an agent that may start."),
    _scalar("requiredMaximumVersion", shapes.VERSION, _AGENT, "The newest release of an agent that may start."),
    _scalar("forceLoginOrgUUID", any_value("a string or a list", str, list), _AGENT, "Organisations that may log in.", broken=([],)),
    Key(
        "extraKnownMarketplaces",
        map_of(any_value()),
        Merge.MAP,
        _AGENT,
        "More places that plugins come from.",
    ),
)

_SERVERS = (
    _union("allowedMcpServers", shapes.SERVERS, _AGENT, "MCP servers that may be loaded.", lock="allowManagedMcpServersOnly", broken=([],)),
    _union("deniedMcpServers", shapes.SERVERS, _AGENT, "MCP servers that may not be loaded, whatever allows them."),
    _scalar(
        "allowManagedMcpServersOnly",
        _BOOLEAN,
        _AGENT,
        "Only the administrator's list of MCP servers counts.",
        scopes=_MANAGED,
        default=False,
        stricter=_ON,
        broken=(True,),
    ),
    _scalar("allowAllClaudeAiMcps", _BOOLEAN, _AGENT, "Hosted connectors stay beside a managed list.", scopes=_MANAGED, every_admin="any"),
    _scalar(
        "enableAllProjectMcpServers", _BOOLEAN, _AGENT, "Every server of a project is approved.", widens=Widens.VALUES, widening_values=(True,), held="always"
    ),
    _union("enabledMcpjsonServers", shapes.STRINGS, _AGENT, "Servers of a project that are approved.", widens=Widens.ALWAYS, held="always"),
    _union("disabledMcpjsonServers", shapes.STRINGS, _AGENT, "Servers of a project that are rejected."),
)

_ADMINISTRATOR = (
    _scalar("policyHelper", shapes.HELPER, Class.ENFORCED, "A program whose output replaces the managed settings.", scopes=_MANAGED),
    _scalar(
        "parentSettingsBehavior",
        choice("drop", "merge"),
        Class.ENFORCED,
        "Whether restrictions of the program that starts Paddock count beside managed settings.",
        default="drop",
        scopes=_MANAGED,
    ),
    _scalar("wslInheritsWindowsSettings", _BOOLEAN, Class.ENFORCED, "In WSL, the settings of Windows go first.", default=False, scopes=_MANAGED),
    _scalar("forceRemoteSettingsRefresh", _BOOLEAN, _AGENT, "An agent waits for its remote settings.", scopes=_MANAGED, stricter=_ON, every_admin="stricter"),
    _scalar("strictKnownMarketplaces", any_value(), _AGENT, "Places that plugins may come from.", scopes=_MANAGED),
    _scalar("blockedMarketplaces", any_value(), _AGENT, "Places that plugins may not come from.", scopes=_MANAGED),
    _scalar("strictPluginOnlyCustomization", any_value(), _AGENT, "Only plugins extend an agent.", scopes=_MANAGED),
    _scalar("disableSideloadFlags", any_value(), _AGENT, "Options that load plugins from elsewhere are off.", scopes=_MANAGED),
    _scalar("disableCommandPluginSources", _BOOLEAN, _AGENT, "No plugin comes from a command.", scopes=_MANAGED, stricter=_ON, broken=(True,)),
    _scalar("pluginTrustMessage", any_value(), _AGENT, "What is said before a plugin is installed.", scopes=_MANAGED),
    _scalar("pluginSuggestionMarketplaces", any_value(), _AGENT, "Places that plugins are suggested from.", scopes=_MANAGED),
    _scalar("channelsEnabled", any_value(), _AGENT, "Whether channels are on.", scopes=_MANAGED),
    _scalar("allowedChannelPlugins", any_value(), _AGENT, "Plugins that channels may use.", scopes=_MANAGED),
)

_PERMISSIONS = (
    _union(
        "permissions.allow",
        shapes.RULES,
        Class.ENFORCED,
        "Rules that allow; `Edit` paths become writable, `WebFetch` hosts reachable.",
        widens=Widens.ALWAYS,
        lock=_RULES_LOCK,
        held="always",
    ),
    _union("permissions.ask", shapes.RULES, Class.TOOL_LAYER, "Rules that ask before a tool runs; they change nothing inside the fence.", lock=_RULES_LOCK),
    _union(
        "permissions.deny",
        shapes.RULES,
        Class.ENFORCED,
        "Rules that deny; `Read` and `Edit` paths and `WebFetch` hosts are closed inside the fence too.",
        lock=_RULES_LOCK,
    ),
    _union(
        "permissions.additionalDirectories",
        shapes.PATHS,
        Class.ENFORCED,
        "More working folders: writable like the project.",
        widens=Widens.OUTSIDE_PROJECT,
        held="always",
    ),
    _scalar(
        "permissions.defaultMode",
        choice("default", "manual", "acceptEdits", "plan", "auto", "dontAsk", "bypassPermissions", "delegate"),
        Class.TOOL_LAYER,
        "The mode an agent starts in.",
        default="default",
        stricter=("bypassPermissions", "auto", "acceptEdits", "delegate", "default", "plan", "dontAsk"),
        widens=Widens.VALUES,
        widening_values=("bypassPermissions", "acceptEdits", "delegate"),
        spellings=(("manual", "default"),),
    ),
    _scalar(
        "permissions.disableBypassPermissionsMode",
        choice("disable"),
        Class.TOOL_LAYER,
        "Takes the mode that asks nothing away.",
        also=("disableBypassPermissionsMode",),
    ),
    _scalar("permissions.disableAutoMode", choice("disable"), Class.TOOL_LAYER, "Takes the mode that decides by itself away.", also=("disableAutoMode",)),
)

_SANDBOX = (
    _scalar("sandbox.enabled", _BOOLEAN, Class.BY_CONSTRUCTION, "Sandbox shell commands; `run` always does.", default=False, stricter=_ON),
    _scalar(
        "sandbox.failIfUnavailable",
        _BOOLEAN,
        Class.BY_CONSTRUCTION,
        "Refuse to run when the sandbox cannot start; `run` always does.",
        default=False,
        stricter=_ON,
    ),
    _scalar("sandbox.autoAllowBashIfSandboxed", _BOOLEAN, Class.TOOL_LAYER, "Sandboxed commands need no question.", default=True, stricter=_OFF),
    _union(
        "sandbox.excludedCommands", shapes.STRINGS, Class.BY_CONSTRUCTION, "Commands that run outside; `run` never takes one outside.", widens=Widens.ALWAYS
    ),
    _scalar(
        "sandbox.allowUnsandboxedCommands",
        _BOOLEAN,
        Class.BY_CONSTRUCTION,
        "Whether a call may ask to run outside; under `run` nothing can.",
        default=True,
        stricter=_OFF,
    ),
    Key(
        "sandbox.ignoreViolations",
        map_of(shapes.STRINGS),
        Merge.LISTS,
        Class.TOOL_LAYER,
        "Violations that are not reported; access stays refused, and `run` reports them.",
        widens=Widens.ALWAYS,
    ),
    _scalar(
        "sandbox.enableWeakerNestedSandbox",
        _BOOLEAN,
        Class.BY_CONSTRUCTION,
        "A weaker fence inside containers; not given.",
        default=False,
        stricter=_OFF,
        widens=Widens.VALUES,
        widening_values=(True,),
    ),
    _scalar(
        "sandbox.enableWeakerNetworkIsolation",
        _BOOLEAN,
        Class.BY_CONSTRUCTION,
        "macOS only: reach the system's trust service.",
        default=False,
        stricter=_OFF,
        widens=Widens.VALUES,
        widening_values=(True,),
    ),
    _scalar("sandbox.allowAppleEvents", _BOOLEAN, Class.BY_CONSTRUCTION, "macOS only.", default=False, scopes=_NOT_REPOSITORY, stricter=_OFF),
    _union(
        "sandbox.enabledPlatforms",
        list_of(choice("macos", "linux", "wsl", "windows")),
        Class.BY_CONSTRUCTION,
        "Platforms on which the sandbox settings count; `run` fences on every one.",
        scopes=_MANAGED,
    ),
    _scalar("sandbox.ripgrep", shapes.PROGRAM, Class.BY_CONSTRUCTION, "Another ripgrep; Paddock uses none.", scopes=_NOT_REPOSITORY, every_admin="any"),
    _scalar(
        "sandbox.bwrapPath",
        shapes.ABSOLUTE_PATH,
        Class.BY_CONSTRUCTION,
        "Where bubblewrap is; the namespaces backend uses none.",
        scopes=_MANAGED,
        every_admin="any",
    ),
    _scalar("sandbox.socatPath", shapes.ABSOLUTE_PATH, Class.BY_CONSTRUCTION, "Where socat is; Paddock uses none.", scopes=_MANAGED, every_admin="any"),
)

_FILESYSTEM = (
    _union("sandbox.filesystem.allowWrite", shapes.PATHS, Class.ENFORCED, "Writable beside the working folder.", widens=Widens.OUTSIDE_PROJECT),
    _union("sandbox.filesystem.denyWrite", shapes.PATHS, Class.ENFORCED, "Never writable, whatever allows it."),
    _union("sandbox.filesystem.denyRead", shapes.PATHS, Class.ENFORCED, "Hidden."),
    _union(
        "sandbox.filesystem.allowRead",
        shapes.PATHS,
        Class.ENFORCED,
        "Shown again inside something hidden; the most specific entry wins.",
        widens=Widens.OUTSIDE_PROJECT,
        lock=_PATHS_LOCK,
    ),
    _scalar(
        _PATHS_LOCK,
        _BOOLEAN,
        Class.ENFORCED,
        "Only the administrator's allowRead counts.",
        default=False,
        scopes=_MANAGED,
        stricter=_ON,
        every_admin="stricter",
    ),
    _scalar(
        "sandbox.filesystem.disabled",
        _BOOLEAN,
        Class.BY_CONSTRUCTION,
        "Drops the file layer; not given under `run`.",
        default=False,
        scopes=_NOT_REPOSITORY,
        stricter=_OFF,
        every_admin="any",
    ),
)

_NETWORK = (
    _union(
        "sandbox.network.allowedDomains",
        shapes.ALLOWED_HOSTS,
        Class.ENFORCED,
        "Hosts that may be reached, `host` or `host:port`, `*.name` for every name below.",
        widens=Widens.ALWAYS,
        lock=_DOMAINS_LOCK,
    ),
    _union("sandbox.network.deniedDomains", shapes.DENIED_HOSTS, Class.ENFORCED, "Hosts that may not be reached, whatever allows them."),
    _scalar(
        "sandbox.network.strictAllowlist",
        _BOOLEAN,
        Class.BY_CONSTRUCTION,
        "Refuse unlisted hosts instead of asking; `run` always does.",
        default=False,
        scopes=_NOT_REPOSITORY,
        stricter=_ON,
        one_way=_NOT_REPOSITORY,
        every_admin="stricter",
    ),
    _scalar(
        _DOMAINS_LOCK,
        _BOOLEAN,
        Class.ENFORCED,
        "Only the administrator's allowed hosts count.",
        default=False,
        scopes=_MANAGED,
        stricter=_ON,
        every_admin="stricter",
    ),
    _scalar(
        "sandbox.network.allowLocalBinding",
        _BOOLEAN,
        Class.ENFORCED,
        "Ports that the command listens on are reachable on the host's loopback.",
        default=False,
        stricter=_OFF,
        widens=Widens.VALUES,
        widening_values=(True,),
    ),
    _union("sandbox.network.allowUnixSockets", shapes.PATHS, Class.BY_CONSTRUCTION, "macOS only: ignored on Linux.", widens=Widens.ALWAYS),
    _scalar(
        "sandbox.network.allowAllUnixSockets",
        _BOOLEAN,
        Class.BY_CONSTRUCTION,
        "Every Unix socket of the host; not given.",
        default=False,
        stricter=_OFF,
        widens=Widens.VALUES,
        widening_values=(True,),
    ),
    _union("sandbox.network.allowMachLookup", shapes.STRINGS, Class.BY_CONSTRUCTION, "macOS only: service names.", widens=Widens.ALWAYS),
    _scalar("sandbox.network.httpProxyPort", shapes.PORT, Class.REFUSED, "A local HTTP proxy of your own in place of the gate.", widens=Widens.ALWAYS),
    _scalar("sandbox.network.socksProxyPort", shapes.PORT, Class.REFUSED, "A local SOCKS proxy of your own in place of the gate.", widens=Widens.ALWAYS),
    _scalar("sandbox.network.tlsTerminate", shapes.TLS_TERMINATE, Class.REFUSED, "Open TLS connections and judge what is inside.", scopes=_NOT_REPOSITORY),
)

_CREDENTIALS = (
    _union("sandbox.credentials.files", shapes.CREDENTIAL_FILES, Class.ENFORCED, 'Files with secrets: `"deny"` hides them, `"mask"` is not enforced yet.'),
    _union(
        "sandbox.credentials.envVars",
        shapes.CREDENTIAL_VARIABLES,
        Class.ENFORCED,
        'Variables with secrets: `"deny"` removes them, `"mask"` is not enforced yet.',
    ),
    _scalar(
        "sandbox.credentials.allowPlaintextInject",
        _BOOLEAN,
        Class.BY_CONSTRUCTION,
        "Put masked values into plain HTTP; nothing is injected yet.",
        default=False,
        scopes=_NOT_REPOSITORY,
        stricter=_OFF,
    ),
    _scalar("sandbox.credentials.awsPairs", any_value(), Class.REFUSED, "AWS key pairs to mask together.", scopes=_NOT_REPOSITORY),
    _scalar("sandbox.credentials.sigv4", any_value(), Class.REFUSED, "Sign AWS requests outside.", scopes=_NOT_REPOSITORY),
)

_PADDOCK = (
    _scalar(
        "paddock.backend",
        choice("auto", "namespaces", "bubblewrap", "landlock"),
        Class.ENFORCED,
        "How the fence is built; never a silent step down.",
        default="auto",
        widens=Widens.VALUES,
        widening_values=("bubblewrap", "landlock"),
    ),
    _union(
        "paddock.network.tools",
        list_of(choice("npm", "pip", "git", "apt", "cargo", "go", "maven", "gradle")),
        Class.ENFORCED,
        "Presets: the hosts that a tool is configured for, its configuration without secrets, a private cache.",
        widens=Widens.ALWAYS,
        lock=_DOMAINS_LOCK,
    ),
    _scalar("paddock.network.proxyEnv", _BOOLEAN, Class.ENFORCED, "Announce the proxy doors in the environment.", default=False),
    _union("paddock.network.publish", list_of(shapes.PORT), Class.ENFORCED, "Inside TCP ports reachable on the host's loopback.", widens=Widens.ALWAYS),
    _union("paddock.network.upstreamCa", shapes.PATHS, Class.ENFORCED, "PEM files with extra trust anchors for what Paddock dials.", widens=Widens.ALWAYS),
    _union(
        "paddock.network.dns",
        shapes.ALLOWED_HOSTS,
        Class.ENFORCED,
        "Names whose SRV or TXT records may really be asked.",
        widens=Widens.ALWAYS,
        lock=_DOMAINS_LOCK,
    ),
    _scalar("paddock.network.http", any_value(), Class.REFUSED, "Rules about single HTTP requests.", since="later"),
    _scalar("paddock.network.upstream", any_value(), Class.REFUSED, "A proxy between Paddock and the world.", widens=Widens.ALWAYS, since="later"),
    _union(
        "paddock.filesystem.unprotect",
        shapes.PROTECTED_NAMES,
        Class.ENFORCED,
        "Protected names, or single paths, that may be written after all.",
        widens=Widens.ALWAYS,
        lock="paddock.filesystem.allowManagedUnprotectOnly",
    ),
    _scalar(
        "paddock.filesystem.allowManagedUnprotectOnly",
        _BOOLEAN,
        Class.ENFORCED,
        "Only the administrator's unprotect counts.",
        scopes=_MANAGED,
        default=False,
        stricter=_ON,
    ),
    _scalar(
        "paddock.filesystem.project",
        choice("read-write", "read-only"),
        Class.ENFORCED,
        "`read-only`: the working folder is not writable except `allowWrite`.",
        default="read-write",
        stricter=("read-write", "read-only"),
        tighten_only=True,
    ),
    _union("paddock.environment.keep", shapes.VARIABLES, Class.ENFORCED, "Variables that stay although they look like secrets.", widens=Widens.ALWAYS),
    _union("paddock.environment.remove", shapes.VARIABLE_PATTERNS, Class.ENFORCED, "Variables that the command does not get; `*` stands for any characters."),
    Key(
        "paddock.environment.set",
        map_of(shapes.VARIABLE_VALUE, shapes.variable_name),
        Merge.MAP,
        Class.ENFORCED,
        "Variables set for every command; wins over `env`.",
        widens=Widens.ALWAYS,
    ),
    _scalar(
        "paddock.limits.memoryMb", integer(1), Class.ENFORCED, "Memory of all processes together, in MiB; exit code 123.", stricter="less", tighten_only=True
    ),
    _scalar(
        "paddock.limits.diskMb",
        integer(1),
        Class.ENFORCED,
        "Files made or changed below the write roots, in MiB; exit code 123.",
        stricter="less",
        tighten_only=True,
    ),
    _scalar("paddock.limits.processes", integer(1), Class.ENFORCED, "Processes and threads at a time.", default=1280, stricter="less", tighten_only=True),
    _scalar(
        "paddock.limits.cpuSeconds", integer(1), Class.ENFORCED, "Processor time of all processes together; exit code 123.", stricter="less", tighten_only=True
    ),
    _scalar("paddock.limits.timeoutSeconds", number(0), Class.ENFORCED, "Wall clock of the whole run; exit code 124.", stricter="less", tighten_only=True),
    _scalar("paddock.limits.openFiles", integer(8), Class.ENFORCED, "Open files of each process.", stricter="less", tighten_only=True),
    Key(
        "paddock.programs.only",
        shapes.PROGRAMS,
        Merge.INTERSECTION,
        Class.ENFORCED,
        "The only programs that may be started: names, looked up on the PATH, or absolute paths. An entry counts when every file with this list has it.",
    ),
    _scalar(
        "paddock.programs.fromRules",
        _BOOLEAN,
        Class.ENFORCED,
        "A deny rule about a whole program (`Bash(curl *)`) keeps it from being started by anybody inside.",
        default=True,
        widens=Widens.VALUES,
        widening_values=(False,),
        stricter=_ON,
        tighten_only=True,
    ),
    _scalar("paddock.audit", any_value("an object", dict), Class.REFUSED, "A tamper-evident log and its export.", since="later"),
    _scalar("paddock.hooks.failClosed", _BOOLEAN, Class.TOOL_LAYER, "A hook that fails, or does not end in time, refuses the call.", stricter=_ON),
    Key(
        "paddock.mcp.servers",
        map_of(any_value("an object", dict)),
        Merge.MAP,
        Class.ENFORCED,
        "Policies of MCP servers by name: `sandbox`, `paddock` and `env`, on top of all others where `paddock mcp wrap` starts the server.",
        widens=Widens.ALWAYS,
    ),
    _scalar("paddock.credentials", any_value("an object", dict), Class.REFUSED, "Secrets that stay outside.", since="later"),
)

TABLE: tuple[Key, ...] = (*_TOP_LEVEL, *_SERVERS, *_ADMINISTRATOR, *_PERMISSIONS, *_SANDBOX, *_FILESYSTEM, *_NETWORK, *_CREDENTIALS, *_PADDOCK)
"""All rows, in the order of the documents."""

KEYS: Mapping[str, Key] = {key.name: key for key in TABLE}
"""The rows by name."""

ALSO: Mapping[str, str] = {name: key.name for key in TABLE for name in key.also}
"""Other names of keys."""

SECTIONS: frozenset[str] = frozenset(key.name[:at] for key in TABLE for at in range(len(key.name)) if key.name[at] == ".")
"""Objects between the top and the keys: ``sandbox``, ``sandbox.network``, …; a name that is neither here nor in ``KEYS`` is unknown."""
