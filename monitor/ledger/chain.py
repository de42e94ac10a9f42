"""Facts and the hash chain over them.

A fact's digest covers the digest before it and its own canonical bytes, so that a row changed by hand is found and
named. Canonical: JSON with sorted keys, no spaces, UTF-8, integers only (instants and durations in microseconds).
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

GENESIS = bytes(32)
"""What stands before the first fact."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened, never edited: `at` is when it was recorded (wall clock, microseconds)."""

    at: int
    kind: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Link:
    """A fact in its place."""

    seq: int
    fact: Fact
    previous: bytes
    digest: bytes


def canonical(value: Any) -> bytes:
    """The one byte string of a JSON value. Raises ValueError for a float, whose text is not unique."""
    _refuse_floats(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def link(seq: int, fact: Fact, previous: bytes) -> Link:
    body = canonical({"at": fact.at, "body": fact.body, "kind": fact.kind, "seq": seq})
    return Link(seq, fact, previous, hashlib.sha256(previous + body).digest())


def chain(facts: Iterable[Fact], seq: int, previous: bytes) -> Iterator[Link]:
    """Link facts behind the one with number `seq` and digest `previous`."""
    for number, fact in enumerate(facts, seq + 1):
        made = link(number, fact, previous)
        yield made
        previous = made.digest


def broken(links: Iterable[Link]) -> Iterator[str]:
    """What is wrong with a chain, first things first."""
    previous, seq = GENESIS, 0
    for one in links:
        made = link(one.seq, one.fact, previous)
        what = f"fact {one.seq} ({one.fact.kind})"
        if one.seq != seq + 1:
            yield f"fact {seq + 1} is missing"
        elif one.previous != previous:
            yield f"{what} does not follow the fact before it"
        elif made.digest != one.digest:
            yield f"{what} was changed: its content does not have its digest"
        previous, seq = one.digest, one.seq


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise ValueError("a fact holds integers and text, never floating point")  # noqa: TRY004
    if isinstance(value, dict):
        for item in value.values():
            _refuse_floats(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_floats(item)
