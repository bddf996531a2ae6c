"""From administrators' files, an operating system's policies, a helper's output and a host program's settings to the managed layers. Spec 1.3 and 1.4.

Imported only where there is something of the kind. ``tier`` decides; this file reads and runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from paddock.errors import SettingsError
from paddock.model.record import replace
from paddock.model.settings import Scope, Source
from paddock.settings.files import inline_or_file
from paddock.settings.gathered import Gathered, LoadRequest
from paddock.settings.layer import Family, Layer
from paddock.settings.managed import ManagedFolder, check_owner
from paddock.settings.overrides import MANAGED_OWNERS
from paddock.settings.tier import AdminSource, Rank, Selection, hand_down, select

__all__ = ["take_administrators", "take_chain"]


def take_administrators(out: Gathered, found: Sequence[tuple[ManagedFolder, list[Layer]]], request: LoadRequest) -> None:
    """Everything managed into ``out``. Our own folder stands beside the choice among the other sources: both count, and the stricter value wins."""
    sources = [AdminSource(Rank.FILE, folder.path, tuple(layers), folder.windows) for folder, layers in found]
    own = [source for source in sources if source.layers[0].family is Family.PADDOCK]
    if own:
        take_chain(out, own, request._replace(parent=""))
    take_chain(out, [*_policies(out, request), *(source for source in sources if source not in own)], request)


def take_chain(out: Gathered, chain: Sequence[AdminSource], request: LoadRequest) -> Selection:
    """Choose among sources, run the helper that the chosen one names, hear the host program, and add what counts. Returns what came of it."""
    selection = select(chain)
    _passed_over(out, chain, selection)
    selection = _helped(out, selection, request)
    if request.parent:
        try:
            layer = out.take(Scope.MANAGED, Family.CLAUDE, *inline_or_file(request.parent, request.cwd, "parent settings"))
        except SettingsError as error:
            out.problems += error.problems
            layer = None
        if layer is not None:
            selection = hand_down(selection, layer)
    out.layers += selection.layers
    out.void += selection.void
    return selection


def _passed_over(out: Gathered, chain: Sequence[AdminSource], selection: Selection) -> None:
    """Say of every file that was read whether it is in force."""
    if selection.source is not None:
        reason = f"{selection.source.name} is in force"
        _ignore(out, [layer.file for source in chain if source is not selection.source for layer in source.layers], reason)


def _ignore(out: Gathered, files: Sequence[str], reason: str) -> None:
    out.sources = [replace(s, state="ignored", detail=reason) if s.scope is Scope.MANAGED and s.file in files else s for s in out.sources]


def _helped(out: Gathered, selection: Selection, request: LoadRequest) -> Selection:
    """The selection, or what its policy helper printed in place of all of it."""
    source = selection.source
    entry = next((layer.scalars["policyHelper"] for layer in selection.layers if "policyHelper" in layer.scalars), None)
    if source is None or entry is None or not isinstance(entry.value, dict) or source.rank not in (Rank.POLICY, Rank.FILE):
        return selection
    if out.problems:
        return selection  # the run is refused anyway, and perhaps somebody else wrote the file that names the program
    roots = request.roots
    program = roots.path(str(entry.value["path"]).lstrip("/"))
    problem = check_owner(program, roots) if MANAGED_OWNERS in request.overrides else None
    if problem is not None:
        out.problems.append(problem)
        return selection
    from paddock.settings.helper import envelope  # few machines have one

    try:
        text = envelope(program, [str(word) for word in entry.value.get("args", [])])
    except SettingsError as error:
        out.problems += error.problems  # the run is refused, in the reference too
        return selection
    helper = AdminSource(Rank.HELPER, program, ())
    _ignore(out, [layer.file for layer in source.layers], "its policy helper's output replaces it")
    replaced = [(other, "the policy helper's output replaces it") for layer in selection.layers for _, other in layer.entries() if other is not entry]
    if not text:
        out.sources.append(Source(Scope.MANAGED, program, "read", "the policy helper gave no settings"))
        return Selection(helper, [], selection.void + replaced)
    layer = out.take(Scope.MANAGED, source.layers[0].family, program, text)
    return Selection(helper, [] if layer is None else [layer], selection.void + replaced)


def _policies(out: Gathered, request: LoadRequest) -> Iterator[AdminSource]:
    """What macOS or Windows keep themselves."""
    roots = request.roots
    platform = roots.where()
    if platform not in ("macos", "windows"):
        return
    from paddock.settings import ospolicy

    try:
        if platform == "macos":
            found = list(ospolicy.from_profiles(roots.system, request.environ.get("USER", "")))
        else:
            found = list(ospolicy.from_registry(request.registry or ospolicy.windows_registry))
    except SettingsError as error:
        out.reject(Scope.MANAGED, ospolicy.DOMAIN, error.problems)
        return
    for policy in found:
        layer = out.take(Scope.MANAGED, Family.CLAUDE, policy.name, policy.text)
        problem = check_owner(policy.path, roots) if policy.path and MANAGED_OWNERS in request.overrides else None
        if problem is not None:
            out.problems.append(problem)
        if layer is not None:
            yield AdminSource(Rank.USER_POLICY if policy.user else Rank.POLICY, policy.name, (layer,))
