"""Nautical miles per hour."""

from __future__ import annotations


def metres_per_second(knots: float) -> float:
    """By definition, 1852 metres in 3600 seconds."""
    return knots * 1852 / 3600
