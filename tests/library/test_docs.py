"""The examples in docstrings and on the how-to page are run, and say what really happens."""

from __future__ import annotations

import doctest
import os
import re
from pathlib import Path

import pytest

from paddock.library import policies, results, running


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")


@pytest.mark.parametrize(("module", "least"), [(running, 5), (policies, 10), (results, 0)], ids=lambda value: getattr(value, "__name__", ""))
def test_docstrings(module: object, least: int) -> None:
    done = doctest.testmod(module, optionflags=doctest.IGNORE_EXCEPTION_DETAIL, verbose=False)  # type: ignore[arg-type]  # a module
    assert done.failed == 0
    assert done.attempted >= least


def test_the_how_to_page(repository: Path) -> None:
    page = (repository / "docs/how-to/library.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, "library.md", "library.md", 0)
    runner = doctest.DocTestRunner(verbose=False)
    failed, attempted = runner.run(test)
    assert failed == 0
    assert attempted >= 20
    assert os.listdir() == ["greeting"]
