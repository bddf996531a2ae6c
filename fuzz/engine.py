"""Mutations, the search, and making a failing input small. Deterministic: the same target, seeds and number give the same inputs."""

from __future__ import annotations

import random
import resource
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

__all__ = ["LIMIT", "Disagreement", "Failure", "Target", "check", "inputs", "minimise", "mutated", "seeds_of"]

LIMIT: Final = 70_000
"""Octets of the longest input: longer than every limit of the readers."""
POOL: Final = 400
"""Inputs that did something new, kept to go on from."""
MINIMISE_TRIES: Final = 2_000
SLOW_SECONDS: Final = 2.0
"""Processor time for one input, above which it is a failure: ordinary ones take a thousandth of it."""
INTERESTING: Final = (
    b"\0",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"\xff\xff",
    b"\x7f\xff",
    b"\x80\x00",
    b"\r\n",
    b"\n",
    b"\r",
    b" ",
    b"\t",
    b"0",
    b"9" * 20,
    b"-1",
    b"a" * 300,
)


class Disagreement(AssertionError):  # noqa: N818 - what it is, in the word that reports use
    """A reader and its oracle understood one input in two ways."""


@dataclass(frozen=True)
class Target:
    """``run`` takes one input and gives back what happened, in a form that is equal for inputs that were treated alike (it steers the search).

    ``documented`` are the exceptions that it may raise. ``words`` are parts of the language, for the mutations. ``grown`` makes an input whose size is about
    the number given, for the test that effort grows with size and not with its square. ``cost`` is how many inputs of another target one of these counts for.
    """

    name: str
    run: Callable[[bytes], Hashable]
    documented: tuple[type[BaseException], ...] = ()
    words: tuple[bytes, ...] = ()
    grown: tuple[Callable[[int], bytes], ...] = ()
    cost: int = 1


@dataclass(frozen=True)
class Failure:
    """An input that did what no input may. ``signature`` is equal for failures with one cause."""

    data: bytes
    signature: str
    detail: str = field(compare=False)

    @property
    def name(self) -> str:
        """A file name for it."""
        return sha256(self.data).hexdigest()[:12]


def seeds_of(root: Path, target: Target) -> list[bytes]:
    """The seeds of a target, by name."""
    return [path.read_bytes() for path in sorted((root / target.name).glob("*")) if path.is_file()]


def check(target: Target, data: bytes) -> tuple[Failure | None, Hashable]:
    """Feed one input; the failure, if it is one, and what happened."""
    began = time.process_time()
    try:
        happened: Hashable = target.run(data)
    except target.documented as error:
        happened = (type(error).__name__, _words(str(error)))
    except MemoryError:
        raise
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        signature = f"{type(error).__name__} {_where(error)}"
        return Failure(data, signature, f"{type(error).__name__}: {error}"), signature
    seconds = time.process_time() - began
    if seconds > SLOW_SECONDS:
        return Failure(data, "slow", f"{len(data)} octets took {seconds:.1f} s"), "slow"
    return None, happened


def _where(error: BaseException) -> str:
    trace = error.__traceback__
    place = ""
    while trace is not None:
        place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _words(message: str) -> str:
    """A message without what it quotes, so that one reason is one outcome."""
    return " ".join(word for word in message.split() if word.isalpha())[:80]


def inputs(target: Target, seeds: Sequence[bytes], number: int) -> Iterator[tuple[Failure | None, bytes]]:
    """The seeds, then mutations for ever, each with the failure that it is. Inputs that do something new are kept and mutated further."""
    rng = random.Random(f"{target.name} {number}")  # noqa: S311 - reproducible on purpose
    pool = list(seeds) or [b""]
    seen: set[int] = set()  # what happened may quote the input, so only its hash is kept
    for data in seeds:
        failure, happened = check(target, data)
        seen.add(hash(happened))
        yield failure, data
    while True:
        data = mutated(rng, pool, target.words)
        failure, happened = check(target, data)
        if hash(happened) not in seen and len(seen) < 100 * POOL:
            seen.add(hash(happened))
            if failure is None:
                pool.append(data)
                if len(pool) > POOL + len(seeds):
                    del pool[len(seeds) + rng.randrange(POOL)]
        yield failure, data


def mutated(rng: random.Random, pool: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """One of ``pool``, changed in a few places."""
    data = bytearray(rng.choice(pool))
    for _ in range(rng.choice((1, 1, 2, 3, 5, 8))):
        rng.choice(MUTATIONS)(rng, data, pool, words)
    return bytes(data[:LIMIT])


Mutation = Callable[[random.Random, bytearray, Sequence[bytes], Sequence[bytes]], None]


def _cut(rng: random.Random, data: bytearray) -> tuple[int, int]:
    """A part of the data, short more often than long."""
    at = rng.randrange(len(data) + 1)
    return at, min(len(data), at + rng.choice((1, 1, 2, 4, 16, 64, rng.randrange(len(data) + 1))))


def _flip(rng: random.Random, data: bytearray, _pool: Sequence[bytes], _words: Sequence[bytes]) -> None:
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _overwrite(rng: random.Random, data: bytearray, _pool: Sequence[bytes], words: Sequence[bytes]) -> None:
    part = rng.choice((*INTERESTING, *words))
    at = rng.randrange(len(data) + 1)
    data[at : at + len(part)] = part


def _insert(rng: random.Random, data: bytearray, _pool: Sequence[bytes], words: Sequence[bytes]) -> None:
    at = rng.randrange(len(data) + 1)
    data[at:at] = rng.choice((*INTERESTING, *words, *words))


def _delete(rng: random.Random, data: bytearray, _pool: Sequence[bytes], _words: Sequence[bytes]) -> None:
    at, end = _cut(rng, data)
    del data[at:end]


def _repeat(rng: random.Random, data: bytearray, _pool: Sequence[bytes], _words: Sequence[bytes]) -> None:
    at, end = _cut(rng, data)
    if len(data) < LIMIT:
        data[at:at] = data[at:end] * rng.choice((1, 1, 2, 7, 200))
        del data[LIMIT:]


def _splice(rng: random.Random, data: bytearray, pool: Sequence[bytes], _words: Sequence[bytes]) -> None:
    other = rng.choice(pool)
    at, end = _cut(rng, bytearray(other))
    here = rng.randrange(len(data) + 1)
    data[here:here] = other[at:end]


def _count(rng: random.Random, data: bytearray, _pool: Sequence[bytes], _words: Sequence[bytes]) -> None:
    """A length field that is off by a little."""
    if len(data) > 1:
        at = rng.randrange(len(data) - 1)
        number = (int.from_bytes(data[at : at + 2], "big") + rng.choice((-1, 1, -256, 256, len(data)))) & 0xFFFF
        data[at : at + 2] = number.to_bytes(2, "big")


MUTATIONS: Final[tuple[Mutation, ...]] = (_flip, _overwrite, _insert, _delete, _repeat, _splice, _count)


def minimise(target: Target, failure: Failure) -> Failure:
    """A smaller input that fails in the same way: parts are taken out as long as it does, large ones first."""
    best, tries = failure, 0
    size = max(1, len(best.data) // 2)
    while size and tries < MINIMISE_TRIES:
        at = 0
        while at < len(best.data) and tries < MINIMISE_TRIES:
            tries += 1
            found, _ = check(target, best.data[:at] + best.data[at + size :])
            if found is not None and found.signature == best.signature:
                best = found
            else:
                at += size
        size //= 2
    return best


def memory_mib() -> float:
    """The most memory that this process has had so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
