"""What a knot is."""

from __future__ import annotations

import unittest

from knots import metres_per_second


class Knots(unittest.TestCase):
    """Known values."""

    def test_eighteen_knots(self) -> None:
        """Eighteen knots are five times 1.852."""
        assert metres_per_second(18) == 9.26
