"""Paddock runs a command inside a fence that the operating system enforces, from the policy that a team already has checked in."""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
