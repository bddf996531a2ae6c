"""The command ``tally FILE``; ``tally.ini`` beside it may say how many words to show."""

from __future__ import annotations

import sys
from pathlib import Path

import iniconfig

from tally import count


def shown(settings: Path) -> int:
    """How many words to show: ``[tally] words`` of the settings file, or ten."""
    return int(iniconfig.IniConfig(str(settings)).get("tally", "words", "10")) if settings.exists() else 10


def main() -> int:
    """Print the most frequent words."""
    for word, times in count(Path(sys.argv[1]).read_text(encoding="utf-8")).most_common(shown(Path("tally.ini"))):
        print(f"{times:6} {word}")
    return 0
