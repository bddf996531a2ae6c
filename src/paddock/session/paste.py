"""Where proposed settings go. A file of its own because start-up pays for every import of those who quote it."""

from __future__ import annotations

__all__ = ["PASTE_INTO"]

# The person's own settings for this one project: the narrowest place that a widening can stand in.
PASTE_INTO = ".paddock/settings.local.json"
