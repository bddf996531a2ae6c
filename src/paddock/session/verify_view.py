"""What a plan shows at a path, asked without a fence. Pure."""

from __future__ import annotations

from paddock.model.paths import ancestors, depth, is_beneath, relative
from paddock.model.plan import Access, Place, Plan

__all__ = ["PRIVATE", "access", "is_visible", "names_shown", "place_at"]

PRIVATE = ("/dev", "/proc", "/run", "/tmp", "/var/tmp")  # noqa: S108 -- compared, not used
"""Areas of the fence's own: what the host has there is not inside."""


def place_at(plan: Plan, path: str) -> Place | None:
    """The deepest place that decides about ``path``; None where the read-only root or an area of the fence's own does."""
    places = {place.path: place for place in plan.layout}
    found = next((places[above] for above in (path, *ancestors(path)) if above in places), None)
    private = next((area for area in PRIVATE if is_beneath(path, area)), "")
    return None if found is None or (private and depth(found.path) < depth(private)) else found


def access(plan: Plan, path: str) -> Access:
    """What a command may do there with a file of the host's."""
    if any(is_beneath(path, bind.target) for bind in plan.binds):
        return Access.WRITE
    found = place_at(plan, path)
    if found is None:
        return Access.HIDDEN if any(is_beneath(path, area) for area in PRIVATE) else Access.READ
    return found.access


def is_visible(plan: Plan, path: str) -> bool:
    """Whether the host's file there is seen inside."""
    return access(plan, path) is not Access.HIDDEN


def names_shown(plan: Plan, folder: str) -> list[str]:
    """Names in a hidden folder that lead to something that is in the plan."""
    return sorted({relative(entry, folder).split("/")[0] for entry in _entries(plan) if entry != folder and is_beneath(entry, folder)})


def _entries(plan: Plan) -> list[str]:
    return [*(place.path for place in plan.layout), *(bind.target for bind in plan.binds), *(file.path for file in plan.private_files)]
