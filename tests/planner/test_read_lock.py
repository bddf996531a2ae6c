"""While only managed rules may re-open reading, no other key does it either."""

from __future__ import annotations

import pytest

from paddock.errors import PolicyError
from paddock.model.plan import Access
from paddock.model.record import replace
from paddock.model.settings import Scope
from tests.planner.fakes import APP, filesystem, layout, rules, tree

LOCKED = replace(filesystem(), deny_read=rules(["/srv/payroll"], "denyRead", Scope.MANAGED), reads_locked=True)
FILES = tree({"/srv/payroll/list": b"", "/srv/payroll/open/f": b""})


@pytest.mark.parametrize("path", ["/srv/payroll", "/srv/payroll/list"])
@pytest.mark.parametrize("scope", [Scope.CLI, Scope.USER, Scope.PROJECT])
def test_writing_does_not_reopen_what_an_administrator_hides(path: str, scope: Scope) -> None:
    writing = (*rules([APP], "allowWrite", Scope.BUILTIN), *rules([path], "allowWrite", scope))
    assert layout(replace(LOCKED, allow_write=writing), FILES).access("/srv/payroll/list") is Access.HIDDEN
    assert layout(replace(LOCKED, allow_write=writing, reads_locked=False), FILES).access("/srv/payroll/list") is Access.WRITE


def test_the_administrator_may() -> None:
    writing = (*rules([APP], "allowWrite", Scope.BUILTIN), *rules(["/srv/payroll/open"], "allowWrite", Scope.MANAGED))
    assert layout(replace(LOCKED, allow_write=writing), FILES).access("/srv/payroll/open/f") is Access.WRITE


def test_what_a_person_hides_a_person_may_show() -> None:
    own = replace(LOCKED, deny_read=rules(["/srv/payroll"], "denyRead", Scope.USER), allow_write=rules([APP, "/srv/payroll"], "allowWrite", Scope.USER))
    assert layout(own, FILES).access("/srv/payroll/list") is Access.WRITE


def test_starting_in_a_hidden_folder_is_refused_with_the_rule() -> None:
    writing = rules(["/srv/payroll"], "allowWrite", Scope.BUILTIN)
    with pytest.raises(PolicyError, match="denyRead '/srv/payroll'") as caught:
        layout(replace(LOCKED, allow_write=writing), FILES, cwd="/srv/payroll")
    assert caught.value.hint
    layout(replace(LOCKED, allow_write=writing, reads_locked=False), FILES, cwd="/srv/payroll")


def test_programs_on_path_stay_hidden_too() -> None:
    files = tree({"/home/dev/.tools/bin/x": b""})
    hidden = replace(LOCKED, deny_read=rules(["/home/dev"], "denyRead", Scope.MANAGED), allow_read=rules([APP], "allowRead", Scope.MANAGED))
    assert layout(hidden, files, reopened=("/home/dev/.tools",)).access("/home/dev/.tools/bin/x") is Access.HIDDEN
    assert layout(replace(hidden, reads_locked=False), files, reopened=("/home/dev/.tools",)).access("/home/dev/.tools/bin/x") is Access.READ
