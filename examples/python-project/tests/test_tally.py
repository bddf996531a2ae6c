"""What counting means."""

from __future__ import annotations

from pathlib import Path

from tally import count
from tally.command import shown


def test_case_and_punctuation_do_not_matter() -> None:
    assert count("The sea, the sea!") == {"the": 2, "sea": 2}


def test_ten_words_are_shown_unless_told(tmp_path: Path) -> None:
    settings = tmp_path / "tally.ini"
    assert shown(settings) == 10
    settings.write_text("[tally]\nwords = 3\n")
    assert shown(settings) == 3
