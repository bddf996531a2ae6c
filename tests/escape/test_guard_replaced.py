"""The host puts another file in the place of one that a mount hides or holds, as editors write files: the kernel takes the mount away."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from paddock.model.plan import Access, Place, PrivateFile
from tests.conftest import must
from tests.fence.conftest import why_not
from tests.fence.running import PYTHON, RULE, Result, guarding, make_plan, place, run

HEAD = """
import errno, os, sys
def attempt(act, *arguments):
    try: act(*arguments)
    except OSError as error: print(errno.errorcode[error.errno]); return True
def read(path, folder=None):
    def act():
        with open(os.open(path, os.O_RDONLY, dir_fd=folder)) as file: print(file.read().strip())
    attempt(act)
def write(path):
    def act():
        with open(path, 'a') as file: file.write('evil')
        print('ok')
    attempt(act)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder to work in, where fences can be built."""
    must(not why_not(), f"no fence can be built here: {why_not()}")
    folder = tmp_path / "project"
    (folder / "sub").mkdir(parents=True)
    return folder


def replaced(path: Path) -> None:
    """As an editor does it."""
    new = path.with_name("new")
    new.write_text("fresh")
    new.rename(path)


def during(project: Path, act: Callable[[], None], script: str, *places: Place, **changes: object) -> Result:
    """Run ``script`` twice in one fence, and ``act`` outside in between."""
    os.mkfifo(project / "turn")
    stdin, go_on = os.pipe()

    def outside() -> None:
        try:
            with (project / "turn").open():  # until the command has come this far
                act()
        finally:
            os.close(go_on)

    thread = threading.Thread(target=outside)
    thread.start()
    plan = make_plan(project, (PYTHON, "-I", "-S", "-c", f"{HEAD}{script}\nopen('turn', 'w').close(); sys.stdin.read()\n{script}"), *places, **changes)
    try:
        return run(plan, stdin=stdin)
    finally:
        thread.join()
        os.close(stdin)


def test_what_is_hidden_stays_hidden(project: Path) -> None:
    secret, plain = project / "sub" / "key", project / "sub" / "plain"
    secret.write_text("secret")
    plain.write_text("plain")
    places = (place(secret, Access.HIDDEN), place(plain, Access.READ))
    result = during(project, lambda: replaced(secret), f"read({str(secret)!r}); write({str(secret)!r}); read('sub/plain')", *places, guard=guarding(project))
    assert result.out == "EACCES\nEACCES\nplain\n" * 2, result.err
    assert secret.read_text() == "fresh"
    assert ("read", str(secret)) in result.sink.violations()


WAYS = {
    "a link": "os.path.lexists('l') or os.symlink('sub/key', 'l'); read('l')",
    "another name for the folder": "read('/proc/self/cwd/sub/../sub/key')",
    "the folder's descriptor": "read('key', os.open('sub', os.O_PATH))",
    "a descriptor of the file": "read('/proc/self/fd/%d' % os.open('sub/key', os.O_PATH))",
    "a second name": "os.path.lexists('m') or attempt(os.link, 'sub/key', 'm') or read('m')",
    "a new name": "attempt(os.rename, 'sub/key', 'm') or read('m')",
    "a new name of the folder": "(os.path.exists('m') and not attempt(os.rename, 'sub', 'n') and read('n/key')) or open('m', 'w').close()",
}


@pytest.mark.parametrize("way", WAYS)
def test_no_way_leads_to_what_took_the_place(project: Path, way: str) -> None:
    secret = project / "sub" / "key"
    secret.write_text("secret")
    script = f"try: {WAYS[way]}\nexcept OSError as error: print(errno.errorcode[error.errno])"
    result = during(project, lambda: replaced(secret), script, place(secret, Access.HIDDEN), guard=guarding(project))
    assert "fresh" not in result.out, result.out
    assert not result.err
    assert secret.read_text() == "fresh"


def test_what_may_not_be_written_stays_so(project: Path) -> None:
    file, plain = project / "sub" / "conf", project / "plain"
    file.write_text("mine")
    result = during(project, lambda: replaced(file), "write('sub/conf'); write('plain'); read('sub/conf')", place(file, Access.READ), guard=guarding(project))
    assert result.out == "EROFS\nok\nmine\nEROFS\nok\nfresh\n", result.err
    assert file.read_text() == "fresh"
    assert plain.read_text() == "evilevil"


def test_what_is_removed_may_not_be_made(project: Path) -> None:
    file = project / "sub" / "conf"
    file.write_text("mine")
    result = during(project, file.unlink, "write('sub/conf'); write('plain')", place(file, Access.READ), guard=guarding(project))
    assert result.out == "EROFS\nok\n" * 2, result.err
    assert not file.exists()


def test_a_private_file_keeps_standing_before_the_hosts(project: Path) -> None:
    """A tool's configuration without its password; outside, the tool is given another one meanwhile."""
    file = project / "npmrc of mine"
    file.write_text("secret")
    private = (PrivateFile(str(file), b"ours\n", 0o644, RULE),)
    result = during(project, lambda: replaced(file), f"read({str(file)!r})", private_files=private, guard=guarding(project))
    assert result.out == "ours\nEACCES\n", result.err
