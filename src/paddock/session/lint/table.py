"""Every rule of the linter, in the order in which the reference page lists them."""

from __future__ import annotations

from paddock.session.lint import broad, network, never, places, rules, scan, shadows
from paddock.session.lint.finding import Rule

__all__ = ["RULES"]

RULES: tuple[Rule, ...] = (*rules.RULES, *never.RULES, *shadows.RULES, *broad.RULES, *network.RULES, *places.RULES, *scan.RULES)
