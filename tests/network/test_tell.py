from __future__ import annotations

from paddock.model.decision import Decision
from paddock.network.tell import SUBJECTS_LIMIT, Teller
from tests.network.support import Sink, origin

NO = Decision("deny", "no", origin("x"), "allow it")


def test_a_refusal_is_told_once_whatever_the_door() -> None:
    sink = Sink()
    teller = Teller(sink)
    for door in ("capture", "socks", "capture"):
        teller.refused("network", "connect", "a.test:1", NO, door=door)
    teller.refused("dns", "lookup", "a.test:1", NO, type="A")
    told = sink.of("violation")
    assert [(e.area, e.subject, e.detail) for e in told] == [("network", "a.test:1", (("door", "capture"),)), ("dns", "a.test:1", (("type", "A"),))]
    assert (told[0].reason, told[0].rule, told[0].remedy) == ("no", origin("x"), "allow it")
    assert teller.repeated() == {("network", "connect", "a.test:1"): 3, ("dns", "lookup", "a.test:1"): 1}


def test_the_end_tells_how_often() -> None:
    sink = Sink()
    teller = Teller(sink)
    for _ in range(3):
        teller.refused("network", "connect", "a.test:1", NO)
    teller.refused("network", "connect", "b.test:1", NO)
    teller.close()
    assert [(e.subject, e.detail) for e in sink.of("notice")] == [("a.test:1", (("count", 3),))]


def test_a_flood_is_told_together() -> None:
    sink = Sink()
    teller = Teller(sink)
    for i in range(SUBJECTS_LIMIT + 100):
        teller.refused("network", "connect", f"n{i}.test:1", NO)
    assert len(sink.of("violation")) == SUBJECTS_LIMIT + 1
    assert len(teller.repeated()) == SUBJECTS_LIMIT + 1
    assert teller.repeated()["network", "connect", "(many more)"] == 100
