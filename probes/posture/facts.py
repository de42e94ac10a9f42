"""What is found out about security: a name, a verdict, and the reason in a few words."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from probes.base import printable


class Verdict(StrEnum):
    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"  # nobody answered, or this machine cannot ask


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact; `detail` is fit to print, also where a server or a zone wrote it."""

    name: str
    verdict: Verdict
    detail: str


def good(name: str, detail: str = "") -> Fact:
    return Fact(name, Verdict.GOOD, printable(detail))


def bad(name: str, detail: str) -> Fact:
    return Fact(name, Verdict.BAD, printable(detail))


def unknown(name: str, detail: str) -> Fact:
    return Fact(name, Verdict.UNKNOWN, printable(detail))


def worst(name: str, facts: Iterable[Fact], otherwise: Fact) -> Fact:
    """Bad if one is bad, else unknown if one is, else the first; `otherwise` where there are none."""
    found = sorted(facts, key=lambda fact: (Verdict.BAD, Verdict.UNKNOWN, Verdict.GOOD).index(fact.verdict))
    return Fact(name, found[0].verdict, found[0].detail) if found else otherwise
