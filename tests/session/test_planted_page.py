"""The reference page names what the program tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paddock.model.planted import KINDS
from paddock.planner.planted import MAX_MARKS
from paddock.planner.planted_names import SCRIPT_FOLDERS
from paddock.planner.scan import MAX_FOLDERS
from paddock.session import planted
from paddock.session.planted_text import ROWS

if TYPE_CHECKING:
    from pathlib import Path


def test_the_page_has_every_kind_and_every_bound(repository: Path) -> None:
    page = (repository / "docs/reference/planted.md").read_text(encoding="utf-8")
    assert [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")] == list(KINDS)
    assert all(f"`{folder}`" in page for folder in SCRIPT_FOLDERS if folder)
    assert f"{MAX_FOLDERS:,} folders" in page
    assert f"{MAX_MARKS:,} files" in page
    assert f"at most {ROWS} rows" in page
    assert f"at most {planted.LISTED};" in page
    assert f"larger than {planted.FILE_BYTES >> 20} MiB ({planted.ALL_BYTES >> 20} MiB" in page
    assert f"exit code {planted.EXIT_CODE}" in page
