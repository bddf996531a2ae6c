"""An assembler for the classic BPF of seccomp(2): a table of rules in, a program out.

A program loads one 32 bit word of ``struct seccomp_data`` at a time, so every test here looks at the low half of an argument unless it says otherwise. That
is what is wanted: the kernel cuts an ``int`` argument to 32 bits before it looks at it, and a test of all 64 bits could be passed by with rubbish in the upper
half.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

__all__ = ["ALLOW", "KILL_PROCESS", "NOTIFY", "Clause", "Condition", "Rule", "assemble", "equals", "has_bits", "not_zero", "refuse"]

# linux/seccomp.h
ALLOW = 0x7FFF0000
KILL_PROCESS = 0x80000000
NOTIFY = 0x7FC00000
_RET_ERRNO = 0x00050000

# linux/bpf_common.h: class, size and mode of the few instructions needed.
_AND = 0x54
_JUMP_EQUAL = 0x15
_JUMP_GREATER_EQUAL = 0x35
_JUMP_SET = 0x45
_LOAD = 0x20
_RETURN = 0x06

_OFFSET_NUMBER = 0
_OFFSET_ARCH = 4
_OFFSET_ARGUMENTS = 16
_WORD = 0xFFFFFFFF
_MAX_JUMP = 255
_NO_CALL = _WORD  # -1: what a tracer writes to skip a call; the kernel answers ENOSYS by itself

_Instruction = tuple[int, int, int, int]


class Condition:
    """``kind`` is ``equals`` (the masked low word is one of ``values``), ``bits`` (any bit of ``mask`` is set) or ``nonzero`` (any of all 64 bits is)."""

    __slots__ = ("argument", "kind", "mask", "values")

    def __init__(self, argument: int, kind: str, mask: int = _WORD, values: tuple[int, ...] = ()) -> None:
        self.argument = argument
        self.kind = kind
        self.mask = mask
        self.values = values


class Clause:
    """``action`` is taken when every one of ``conditions`` holds."""

    __slots__ = ("action", "conditions")

    def __init__(self, conditions: tuple[Condition, ...], action: int) -> None:
        self.conditions = conditions
        self.action = action


class Rule:
    """For each of the system calls ``names``: the first clause that holds, else ``otherwise``."""

    __slots__ = ("clauses", "names", "otherwise")

    def __init__(self, names: tuple[str, ...], clauses: tuple[Clause, ...], otherwise: int) -> None:
        self.names = names
        self.clauses = clauses
        self.otherwise = otherwise


def equals(argument: int, *values: int, mask: int = _WORD) -> Condition:
    """The low word of the argument, masked, is one of ``values``."""
    return Condition(argument, "equals", mask, values)


def has_bits(argument: int, mask: int) -> Condition:
    """Any bit of ``mask`` is set in the low word of the argument."""
    return Condition(argument, "bits", mask)


def not_zero(argument: int) -> Condition:
    """The argument, all 64 bits of it (a pointer), is not 0."""
    return Condition(argument, "nonzero")


def refuse(number: int) -> int:
    """The action that makes the call fail with this errno without carrying it out."""
    return _RET_ERRNO | number


def assemble(rules: Sequence[Rule], numbers: dict[str, int], audit_arch: int, foreign_from: int | None) -> bytes:
    """The program. Calls of another architecture, and numbers from ``foreign_from`` on (x32), end the process; calls that no rule names are allowed.

    Names that ``numbers`` lacks do not exist on this architecture and are left out.
    """
    program: list[_Instruction] = [
        (_LOAD, 0, 0, _OFFSET_ARCH),
        (_JUMP_EQUAL, 1, 0, audit_arch),
        (_RETURN, 0, 0, KILL_PROCESS),
        (_LOAD, 0, 0, _OFFSET_NUMBER),
    ]
    if foreign_from is not None:
        program += [(_JUMP_EQUAL, 2, 0, _NO_CALL), (_JUMP_GREATER_EQUAL, 0, 1, foreign_from), (_RETURN, 0, 0, KILL_PROCESS)]
    for rule in rules:
        block = _block(rule)
        for name in rule.names:
            if name in numbers:
                program.append((_JUMP_EQUAL, 0, _reach(len(block)), numbers[name]))
                program += block
    program.append((_RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


def _block(rule: Rule) -> list[_Instruction]:
    block: list[_Instruction] = []
    for clause in rule.clauses:
        body: list[_Instruction] = [(_RETURN, 0, 0, clause.action)]
        for condition in reversed(clause.conditions):
            body = _test(condition, len(body)) + body
        block += body
    block.append((_RETURN, 0, 0, rule.otherwise))
    return block


def _test(test: Condition, to_next_clause: int) -> list[_Instruction]:
    low = _OFFSET_ARGUMENTS + 8 * test.argument  # both supported architectures are little-endian
    fail = _reach(to_next_clause)
    if test.kind == "nonzero":
        return [(_LOAD, 0, 0, low), (_JUMP_EQUAL, 0, 2, 0), (_LOAD, 0, 0, low + 4), (_JUMP_EQUAL, fail, 0, 0)]
    if test.kind == "bits":
        return [(_LOAD, 0, 0, low), (_JUMP_SET, 0, fail, test.mask)]
    code: list[_Instruction] = [(_LOAD, 0, 0, low)]
    if test.mask != _WORD:
        code.append((_AND, 0, 0, test.mask))
    last = len(test.values) - 1
    code += [(_JUMP_EQUAL, _reach(last - i), 0 if i < last else fail, value) for i, value in enumerate(test.values)]
    return code


def _reach(distance: int) -> int:
    if distance > _MAX_JUMP:
        raise ValueError("a rule is too long for one conditional jump")
    return distance
