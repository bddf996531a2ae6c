"""``paddock.run``: ``subprocess.run`` inside a fence."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict, Unpack, overload

from paddock.library.helper import Helper, Stream
from paddock.library.policies import Bound, Policy
from paddock.library.results import UNKNOWN, CompletedProcess, RunReport, TimeoutExpired
from paddock.library.wire import settings_to_json, to_raw

__all__ = ["run"]

Word = str | bytes | os.PathLike[str] | os.PathLike[bytes]
Folder = str | os.PathLike[str]
Environment = Mapping[str, str] | Mapping[bytes, bytes]
Bytes = bytes | bytearray | memoryview


class Options(TypedDict, total=False):
    """Arguments whose types do not depend on the others."""

    policy: Policy | None
    cwd: Folder | None
    env: Environment | None
    capture_output: bool
    timeout: float | None
    check: bool
    stdin: Stream
    stdout: Stream
    stderr: Stream


@overload
def run(
    argv: Sequence[Word], *, text: Literal[True], input: str | None = None, encoding: str | None = None, errors: str | None = None, **options: Unpack[Options]
) -> CompletedProcess[str]: ...
@overload
def run(
    argv: Sequence[Word], *, encoding: str, input: str | None = None, text: bool = False, errors: str | None = None, **options: Unpack[Options]
) -> CompletedProcess[str]: ...
@overload
def run(
    argv: Sequence[Word], *, errors: str, input: str | None = None, text: bool = False, encoding: str | None = None, **options: Unpack[Options]
) -> CompletedProcess[str]: ...
@overload
def run(
    argv: Sequence[Word], *, input: Bytes | None = None, text: Literal[False] = False, encoding: None = None, errors: None = None, **options: Unpack[Options]
) -> CompletedProcess[bytes]: ...
@overload
def run(
    argv: Sequence[Word],
    *,
    input: str | Bytes | None = None,
    text: bool = False,
    encoding: str | None = None,
    errors: str | None = None,
    **options: Unpack[Options],
) -> CompletedProcess[Any]: ...
def run(  # noqa: PLR0913 -- the arguments of subprocess.run
    argv: Sequence[Word],
    *,
    policy: Policy | None = None,
    cwd: Folder | None = None,
    env: Environment | None = None,
    input: str | Bytes | None = None,  # noqa: A002 -- as above
    capture_output: bool = False,
    text: bool = False,
    timeout: float | None = None,
    check: bool = False,
    stdin: Stream = None,
    stdout: Stream = None,
    stderr: Stream = None,
    encoding: str | None = None,
    errors: str | None = None,
) -> CompletedProcess[Any]:
    r"""Run a command inside a fence and wait for its end, as ``subprocess.run`` does without one.

    >>> import paddock
    >>> done = paddock.run(["echo", "hello"], policy=paddock.Policy.profile("untrusted"), capture_output=True, text=True)
    >>> done.returncode, done.stdout
    (0, 'hello\n')

    ``policy`` says what the command may do; left out, it is ``Policy.load(cwd)``. ``env`` replaces the process's environment, and the policy still takes out of
    it what looks like a secret. The other arguments are those of ``subprocess.run``. The command is a list of words: a string is refused, because a shell would
    read it in one way and everybody else in another.

    The result has ``violations`` (what was refused), ``flows`` (what was reached) and ``usage``:

    >>> done = paddock.run(["cat", "/etc/shadow-", "/root/.ssh/id_rsa"], policy=paddock.Policy.profile("untrusted"), capture_output=True)
    >>> done.returncode
    1

    May be called from any thread; each call has a helper process of its own. When the process is killed, its fences end with it.

    Raises ``TimeoutExpired`` when ``timeout`` is over (everything inside has ended then), ``CalledProcessError`` for another exit code than 0 with ``check``;
    both are subclasses of the exceptions of ``subprocess`` and know what was refused. Every other way of failing is a ``PaddockError``, and (but for
    ``InternalError``) means that nothing of the command has run: wrong settings, a host that cannot give what they ask for, a command that is not there.
    """
    words = _words(argv)
    streams = _streams(stdin, stdout, stderr, capture=capture_output, feed=input is not None)
    mode = _Text(encoding, errors) if text or encoding or errors else None
    data = _input(input, mode)
    environ = _environment(env)
    with (policy or Policy.load(cwd)).bound(cwd) as bound, Helper(_request(words, environ, bound), *streams) as helper:
        try:
            out, err = helper.communicate(data, timeout)
        except subprocess.TimeoutExpired:
            helper.cut()
            out, err = helper.finish()
            raise TimeoutExpired(argv, timeout or 0.0, out, err, _report_of(helper)) from None
        code, report = helper.outcome()
    done: CompletedProcess[Any] = CompletedProcess(argv, code, mode.decode(out) if mode else out, mode.decode(err) if mode else err, report)
    if check:
        done.check_returncode()
    return done


def _streams(stdin: Stream, stdout: Stream, stderr: Stream, *, capture: bool, feed: bool) -> tuple[Stream, Stream, Stream]:
    if capture and (stdout is not None or stderr is not None):
        raise ValueError("stdout and stderr may not be used with capture_output")
    if feed and stdin is not None:
        raise ValueError("stdin and input may not be used together")
    return (subprocess.PIPE if feed else stdin), (subprocess.PIPE if capture else stdout), (subprocess.PIPE if capture else stderr)


class _Text:
    """Text mode as ``subprocess`` has it. Raises ``LookupError`` for an encoding that does not exist."""

    def __init__(self, encoding: str | None, errors: str | None) -> None:
        import codecs
        import locale

        self.encoding = codecs.lookup(encoding or locale.getpreferredencoding(False)).name
        self.errors = errors or "strict"
        codecs.lookup_error(self.errors)

    def decode(self, data: bytes | None) -> str | None:
        r"""Line ends become ``\n``. Raises ``UnicodeDecodeError``."""
        return None if data is None else data.decode(self.encoding, self.errors).replace("\r\n", "\n").replace("\r", "\n")


def _input(value: str | Bytes | None, mode: _Text | None) -> bytes | None:
    if value is None:
        return None
    if mode is None:
        if isinstance(value, str):
            raise TypeError("input is a str: give bytes, or text=True")
        return bytes(value)
    if not isinstance(value, str):
        raise TypeError(f"input is {type(value).__name__} and must be str in text mode")
    return value.encode(mode.encoding, mode.errors)


def _words(argv: Sequence[Word]) -> list[str]:
    """Raises ``TypeError`` for a string (or one path), and ``ValueError`` for no words and for a NUL."""
    if isinstance(argv, (str, bytes, bytearray, os.PathLike)):
        raise TypeError(
            f"the command is a list of words, not {argv!r}: write paddock.run(shlex.split(command)), or name a shell: paddock.run(['sh', '-c', command])"
        )
    words = [os.fsdecode(word) for word in argv]
    if not words or not words[0]:
        raise ValueError("there is no command to run")
    if any("\0" in word for word in words):
        raise ValueError("embedded null byte")
    return words


def _environment(env: Environment | None) -> dict[str, str]:
    if env is None:
        return dict(os.environ)
    found = {os.fsdecode(name): os.fsdecode(value) for name, value in env.items()}
    for name, value in found.items():
        if not name or "=" in name or "\0" in name + value:
            raise ValueError(f"illegal environment variable {name!r}")
    return found


def _request(words: list[str], environ: Mapping[str, str], bound: Bound) -> bytes:
    request = {
        "argv": [to_raw(word) for word in words],
        "cwd": to_raw(bound.cwd),
        "environ": [(to_raw(name), to_raw(value)) for name, value in environ.items()],
        "allow_home": bound.allow_home,
        "settings": settings_to_json(bound.settings),
        "private": to_raw(bound.private),
    }
    return json.dumps(request).encode("ascii")


def _report_of(helper: Helper) -> RunReport:
    """What a run that was cut off has to tell; its failure to start is no news any more."""
    from paddock.errors import PaddockError

    try:
        return helper.outcome()[1]
    except PaddockError:
        return UNKNOWN
