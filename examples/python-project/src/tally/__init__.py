"""Counts words."""

from __future__ import annotations

from collections import Counter

__all__ = ["count"]


def count(text: str) -> Counter[str]:
    """How often each word stands in a text, whatever its case."""
    return Counter(word.strip(".,;:!?").lower() for word in text.split())
