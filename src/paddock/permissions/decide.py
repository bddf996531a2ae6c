"""The one decision about one use of a tool. The order is that of spec 5.1. Pure: links are resolved by ``World.steps``, hooks have run before."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from paddock.model import paths
from paddock.model.hosts import HostError, parse_host
from paddock.permissions.commandline import CommandLine
from paddock.permissions.protected import is_protected
from paddock.permissions.ruleset import Hit, RuleList, RuleSet
from paddock.permissions.shell.joining import LOOKED_AT
from paddock.permissions.tools import EDITS, HARMLESS, PATH_FIELDS, READS, SHELLS
from paddock.permissions.world import Call, Reason, Verdict, World

__all__ = ["ESCAPE", "decide"]

ESCAPE = "dangerouslyDisableSandbox"
_NAMES = {"Agent": "subagent_type", "Task": "subagent_type", "Skill": "skill"}
"""Tools whose specifier is a name, and the field that holds it."""


def decide(call: Call, rules: RuleSet, world: World, hook: str = "") -> Verdict:
    """What happens to ``call``. ``hook`` is what hooks said together: ``deny``, ``ask``, ``defer``, ``allow`` or nothing."""
    return _Case(call, rules, world, hook).verdict()


class _Case:
    def __init__(self, call: Call, rules: RuleSet, world: World, hook: str) -> None:
        self.call = call
        self.rules = rules
        self.world = world
        self.hook = hook
        self.line = CommandLine(call.text("command"), rules, world) if call.tool in SHELLS else None
        self.path, self.steps = self._path()
        self.outside = self._leaves()
        self.fenced: bool | None = None if self.line is None else world.fencing.enabled and not self.outside
        self.auto_allowed = bool(self.fenced) and world.fencing.auto_allow and world.mode != "plan"

    def verdict(self) -> Verdict:
        """Steps 1 to 10, the first that says something."""
        said_no = (self._hook_denies, self._denied, self._asked, self._unread, self._critical, self._protected, self._untold)
        for step in (*said_no, self._hook_speaks, self._fence_allows, self._allowed):
            found = step()
            if found is not None:
                return found
        return self._default()

    # -- what the call is about

    def _path(self) -> tuple[str, Sequence[str]]:
        name = PATH_FIELDS.get(self.call.tool)
        if name is None:
            return "", ()
        text = self.call.text(name)
        path = self.world.home + text[1:] if text == "~" or text.startswith("~/") else text
        path = paths.normalise(paths.join(self.world.cwd, path)) if path else self.world.cwd
        return path, tuple(self.world.steps(path))

    def _leaves(self) -> str:
        """Why a shell command would run outside the fence that is switched on; empty when it would not."""
        if self.line is None or not self.world.fencing.enabled:
            return ""
        if self.call.input.get(ESCAPE) is True and self.world.fencing.may_leave:
            return "the call asks to run outside the fence"
        return "an excluded command takes the line outside the fence" if self.line.excluded() else ""

    @property
    def _escapes(self) -> bool:
        return bool(self.outside) and self.call.input.get(ESCAPE) is True

    # -- answers

    def _say(self, decision: str, *reasons: Reason) -> Verdict:
        return Verdict(decision, reasons, self.fenced)

    def _somebody_decides(self, reason: Reason, *, classifier: bool) -> Verdict:
        """An answer that a person gives, where there is one. ``classifier``: in mode ``auto`` it may be given without."""
        if self.world.mode == "dontAsk":
            return self._say("deny", reason, Reason("this mode asks nobody"))
        if classifier and self.world.classifier and self.world.mode in ("auto", "plan"):
            return self._say("classifier", reason)
        if not self.world.interactive:
            return self._say("deny", reason, Reason("there is nobody to ask"))
        return self._say("ask", reason)

    def _hit(self, hit: Hit, verb: str) -> Reason:
        about = hit.subject or self.call.tool
        return Reason(f"{hit.text} {verb} {about}", hit, f"remove {hit.text} from permissions.{hit.list_name}")

    # -- the steps

    def _hook_denies(self) -> Verdict | None:
        return self._say("deny", Reason("a hook refused it")) if self.hook == "deny" else None

    def _denied(self) -> Verdict | None:
        hit = self._found(self.rules.deny)
        return None if hit is None else self._say("deny", self._hit(hit, "refuses"))

    def _asked(self) -> Verdict | None:
        made = self.rules.ask
        hit = self._found(made, bare=not self.auto_allowed)
        return None if hit is None else self._somebody_decides(self._hit(hit, "asks about"), classifier=False)

    def _unread(self) -> Verdict | None:
        """The end of a very long line is not looked at: where rules could refuse something in it, neither the fence nor a mode says that they do not."""
        if self.line is None or not self.line.cut or not self.world.reading.complete:
            return None
        if not any(made.commands or made.paths for made in (self.rules.deny, self.rules.ask)):
            return None
        return self._somebody_decides(Reason(f"rules that refuse are looked for in its first {LOOKED_AT} characters, and it is longer"), classifier=False)

    def _critical(self) -> Verdict | None:
        target = self.line.critical() if self.line is not None else ""
        return self._somebody_decides(Reason(f"removing {target} cannot be made good, so no rule allows it"), classifier=True) if target else None

    def _protected(self) -> Verdict | None:
        if self.world.mode == "bypassPermissions":
            return None
        found = self._protected_path()
        if not found or (self.line is not None and self.auto_allowed):
            return None  # inside, the fence decides about it
        return self._somebody_decides(Reason(f"{found} is read or run unasked by other tools, so no rule allows writing it"), classifier=True)

    def _untold(self) -> Verdict | None:
        """A command that depends on the run is not allowed as something else than it may turn out to be. Inside the fence, the fence decides about it."""
        if self.line is None or self.auto_allowed or not self.world.reading.inner:
            return None
        reason = self.line.untold(self.rules.deny) or self.line.untold(self.rules.ask)
        return None if reason is None else self._somebody_decides(reason, classifier=False)

    def _protected_path(self) -> str:
        if self.line is not None:
            return self.line.protected()
        return next((step for step in self.steps if self.call.tool in EDITS and is_protected(step)), "")

    def _hook_speaks(self) -> Verdict | None:
        if self.hook == "allow":
            return self._say("allow", Reason("a hook allowed it"))
        return self._somebody_decides(Reason("a hook wants somebody to be asked"), classifier=False) if self.hook in ("ask", "defer") else None

    def _fence_allows(self) -> Verdict | None:
        return self._say("allow", Reason("it runs inside the fence")) if self.auto_allowed else None

    def _allowed(self) -> Verdict | None:
        if self.line is not None:
            return self._line_allowed(self.line)
        made = self.rules.allow
        hit = made.tool(self.call.tool)
        if hit is None and self.path:
            found = [made.path(step, self.call.tool) for step in self.steps]
            hit = found[0] if all(found) else None
        hit = hit or self._named(made)
        if hit is not None and not (self._sets_broad_aside and self.call.tool in ("Agent", "Task")):
            return self._say("allow", self._hit(hit, "allows")._replace(remedy=""))
        return None

    def _line_allowed(self, line: CommandLine) -> Verdict | None:
        if self._escapes:
            return None  # leaving the fence is a permission of its own
        if line.unapproved(broad=not self._sets_broad_aside) is not None:
            return None
        return self._say("allow", *(line.approving() or (Reason("nothing is run"),)))

    @property
    def _sets_broad_aside(self) -> bool:
        return self.world.mode == "auto" and self.world.classifier

    def _default(self) -> Verdict:
        """Step 9 and 10: what no rule speaks about."""
        call, mode = self.call, self.world.mode
        if call.tool in HARMLESS:
            return self._say("allow", Reason(f"{call.tool} changes nothing outside the agent"))
        if call.tool in READS and self.world.works_in(self.path):
            return self._say("allow", Reason(f"{self.path} is in a working folder"))
        if mode == "bypassPermissions":
            return self._say("allow", Reason("this mode asks about nothing"))
        if call.tool in EDITS and mode == "acceptEdits" and self.world.works_in(self.path):
            return self._say("allow", Reason(f"this mode accepts edits, and {self.path} is in a working folder"))
        if call.tool in EDITS and mode == "plan" and not self.world.bypass_available:
            return self._say("deny", Reason("nothing is edited while planning"))
        return self._somebody_decides(self._why_asked(), classifier=True)

    def _why_asked(self) -> Reason:
        if self.outside:
            return Reason(self.outside)
        if self.line is not None:
            return self.line.unapproved(broad=not self._sets_broad_aside) or Reason("this mode asks about it")
        if self.path:
            rule = "Read" if self.call.tool in READS else "Edit"
            return Reason(f"no rule allows {self.call.tool} on {self.path}", None, f"add {rule}(/{self.path}) to permissions.allow")
        host = _host(self.call)
        if host:
            return Reason(f"no rule allows {self.call.tool} of {host}", None, f"add WebFetch(domain:{host}) to permissions.allow")
        return Reason(f"no rule allows {self.call.tool}", None, f"add {self.call.tool} to permissions.allow")

    # -- rules

    def _found(self, made: RuleList, *, bare: bool = True) -> Hit | None:
        """What a deny or ask list says. ``bare``: rules about every use of the tool count too."""
        tool = self.call.tool
        hit = made.parameter(tool, self.call.input)
        if hit is None and tool == "Monitor":
            hit = made.parameter("Bash", self.call.input)
        if hit is None and self.line is not None:
            hit = self.line.refused(made)
        if hit is None and self.path:
            hit = next((found for step in self.steps if (found := made.path(step, tool)) is not None), None)
        hit = hit or self._named(made)
        if hit is None and bare:
            hit = made.tool(tool) or (made.tool("Bash") if tool == "Monitor" else None)
        return hit

    def _named(self, made: RuleList) -> Hit | None:
        call = self.call
        if call.tool == "WebFetch":
            return self._host_rule(made)
        name = _NAMES.get(call.tool)
        if name is None:
            return None
        text = call.text(name)
        if call.tool == "Skill" and (given := call.text("args")):
            return made.named(call.tool, f"{text} {given}")
        return made.named(call.tool, text)

    def _host_rule(self, made: RuleList) -> Hit | None:
        """The rule about the host of an address: for a deny or ask list about any reading of it, for an allow list about the only one."""
        readings = _readings(self.call.text("url"))
        if made.name == "allow" and len(readings) > 1:
            return None
        for text in readings:
            try:
                hit = made.host(parse_host(text), _port(self.call))
            except HostError:
                continue  # no host: no rule about one can mean it
            if hit is not None:
                return hit
        return None


def _host(call: Call) -> str:
    """The host of the address, for people; empty when there is none, or when readers disagree about it."""
    hosts = _readings(call.text("url"))
    return hosts[0] if len(hosts) == 1 else ""


def _readings(url: str) -> list[str]:
    """Every host that some reader takes from an address. Browsers read a backslash as a slash and drop line breaks; others do not."""
    found: list[str] = []
    bare = "".join(char for char in url if char not in "\t\r\n").strip()
    for text in (url, bare, bare.replace("\\", "/")):
        try:
            host = urlsplit(text).hostname or ""
        except ValueError:
            host = ""
        if host not in found:
            found.append(host)
    return found


def _port(call: Call) -> int:
    try:
        parts = urlsplit(call.text("url"))
        port = parts.port
    except ValueError:
        return 443
    return port or (80 if parts.scheme == "http" else 443)
