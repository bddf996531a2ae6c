"""The program: reads what to try, tries it in that order, answers a line at a time."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable

from paddock.fence.inside.canary import calls, files, network, processes
from paddock.fence.inside.canary.base import NUMBER, Answer, word

__all__ = ["main"]

OVERALL = 25
"""Seconds after which the kernel ends this program; what was answered until then stands."""

VERBS: dict[str, Callable[..., Answer]] = {verb.__name__: verb for module in (files, processes, calls, network) for verb in module.VERBS}


def answer_to(name: str, verb: str, arguments: list[object]) -> dict[str, object]:
    """One canary."""
    try:
        said, twin = VERBS[verb](*arguments)
    except OSError as error:
        return {"name": name, "said": [], "twin": f"{word(error)} ({error.filename or verb})"}
    return {"name": name, "said": said, "twin": twin}


def main(text: str) -> int:
    """Try everything in the order given."""
    signal.signal(signal.SIGURG, signal.SIG_IGN)
    signal.alarm(OVERALL)
    document = json.loads(text)
    NUMBER.update(document["numbers"])
    for name, verb, *arguments in document["canaries"]:
        os.write(1, json.dumps(answer_to(name, verb, arguments)).encode() + b"\n")
    return 0
