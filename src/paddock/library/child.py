"""The helper process: reads one request, is the supervisor of its fence, writes the outcome. Its 0, 1 and 2 are the command's."""

from __future__ import annotations

import os
import select
from typing import Any, NoReturn

from paddock.errors import InternalError, PaddockError
from paddock.library.wire import error_to_json, from_raw, settings_from_json

__all__ = ["main"]


def main(request: int, outcome: int, lifeline: int) -> NoReturn:
    """Carry one request out and leave. ``request`` and ``outcome`` are memory files, ``lifeline`` a socket whose end of file ends the run at once."""
    from json import dumps

    for fd in (request, outcome, lifeline):
        os.set_inheritable(fd, False)
    data = dumps(_answer(request, lifeline)).encode("ascii")
    while data:
        data = data[os.write(outcome, data) :]
    os._exit(0)


def _answer(request: int, lifeline: int) -> dict[str, Any]:
    try:
        return _carry_out(_read(request), lifeline)
    except PaddockError as error:
        return {"error": error_to_json(error)}
    except Exception:  # noqa: BLE001 -- the last line of defence: the caller gets it as an error of Paddock's
        from traceback import format_exc

        defect = InternalError("this is a defect of Paddock", hint="please report it with the lines below")
        return {"error": {**error_to_json(defect), "traceback": format_exc()}}


def _read(fd: int) -> dict[str, Any]:
    from json import loads

    data = os.pread(fd, os.fstat(fd).st_size, 0)
    os.close(fd)
    value: dict[str, Any] = loads(data)
    return value


def _carry_out(value: dict[str, Any], lifeline: int) -> dict[str, Any]:
    try:
        return _run(value, lifeline)
    finally:
        if value["private"]:
            from paddock.library.workspace import remove  # the caller does it as well, unless it was killed

            remove(from_raw(value["private"]))


def _run(value: dict[str, Any], lifeline: int) -> dict[str, Any]:
    from paddock.session.prepare import Request, prepare
    from paddock.session.report import report_of
    from paddock.session.run import run

    request = Request(
        argv=tuple(map(from_raw, value["argv"])),
        cwd=from_raw(value["cwd"]),
        environ={from_raw(name): from_raw(text) for name, text in value["environ"]},
        allow_home=value["allow_home"],
        loaded=settings_from_json(value["settings"]),
    )
    prepared = prepare(request, make=True)
    if _is_over(lifeline):
        return {"stopped": True}
    published: list[str] = []
    outcome = run(prepared, on_publish=published.append, lifeline=lifeline)
    from paddock.session.rendering import to_document

    return {"report": to_document(report_of(prepared, outcome)), "signal": outcome.signal}


def _is_over(lifeline: int) -> bool:
    """Whether the caller has gone, or does not want the run any more."""
    poll = select.poll()
    poll.register(lifeline, select.POLLIN)
    return bool(poll.poll(0))
