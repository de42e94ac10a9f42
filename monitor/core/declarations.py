"""Maintenance, exclusions and approvals as a series of facts, and what they come to (R14, R15).

Nothing is edited: shortening, cancelling, withdrawing and approving are facts of their own that refer to an id. An
id may be declared anew once what it named is cancelled; the fact then refers to the newest.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo

from monitor.core.instants import Instant
from monitor.core.maintenance import Amendment, Exclusion, Window
from monitor.core.recurrence import Recurrence

KINDS = ("window", "window_amended", "exclusion", "exclusion_withdrawn", "approval")


@dataclass(frozen=True, slots=True)
class Act:
    """What is known of one declaration beside its content: where it came from, and who vouched for it.

    `proof` is what the operating system said of who declared it, `approval_proof` of who approved it.
    """

    source: str
    seen: Instant
    ended_by: str | None = None  # what cancelled or withdrew it: file or command
    proof: str | None = None
    approval_proof: str | None = None

    @property
    def cancelled(self) -> bool:
        return self.ended_by is not None

    def attested_by_one(self, approved_by: str | None) -> bool:
        """Whether declared and approved under one login, or in one file: two names, but one witness."""
        if approved_by is None:
            return False
        return self.approval_proof == self.proof if self.approval_proof else self.source == "file"


@dataclass(frozen=True, slots=True)
class Declarations:
    """Every window and exclusion ever declared, in the order of their facts."""

    windows: tuple[tuple[Window, Act], ...] = ()
    exclusions: tuple[tuple[Exclusion, Act], ...] = ()

    @classmethod
    def of(cls, facts: Iterable[tuple[Instant, str, Mapping[str, Any]]]) -> "Declarations":
        """Fold facts given as (recorded at, kind, body)."""
        made = cls()
        for at, kind, body in facts:
            made = made.plus(at, kind, body)
        return made

    def plus(self, at: Instant, kind: str, body: Mapping[str, Any]) -> "Declarations":
        """With one more fact; other kinds change nothing."""
        if kind == "window":
            act = Act(body["source"], at, proof=body.get("proof"))
            return replace(self, windows=(*self.windows, (window_of(body, at), act)))
        if kind == "exclusion":
            act = Act(body["source"], at, proof=body.get("proof"))
            return replace(self, exclusions=(*self.exclusions, (exclusion_of(body), act)))
        if kind == "window_amended":
            return replace(self, windows=_changed(self.windows, body["id"], _Amended(at, body)))
        if kind == "exclusion_withdrawn":
            return replace(self, exclusions=_changed(self.exclusions, body["id"], _Withdrawn(body["source"])))
        if kind == "approval":
            approved = _Approved(body["by"], body.get("proof"))
            return replace(
                self,
                windows=_changed(self.windows, body["id"], approved),
                exclusions=_changed(self.exclusions, body["id"], approved),
            )
        return self

    def window(self, identity: str) -> tuple[Window, Act] | None:
        """The newest window of an id that is not cancelled."""
        return next((one for one in reversed(self.windows) if one[0].id == identity and not one[1].cancelled), None)

    def exclusion(self, identity: str) -> tuple[Exclusion, Act] | None:
        """The newest exclusion of an id that is not withdrawn."""
        return next((one for one in reversed(self.exclusions) if one[0].id == identity and not one[1].cancelled), None)

    @property
    def declared(self) -> list[Window]:
        """All windows; a cancelled one excuses what lies before."""
        return [window for window, _ in self.windows]

    @property
    def excluded(self) -> list[Exclusion]:
        """The exclusions that are not withdrawn."""
        return [exclusion for exclusion, act in self.exclusions if not act.cancelled]


def window_body(window: Window, source: str, proof: str | None = None) -> dict[str, Any]:
    """A window as the body of a fact; `declared` is what was claimed, if anything."""
    recurrence = window.recurrence
    return {
        "id": window.id,
        "scope": list(window.scope),
        "start": window.start,
        "end": window.end,
        "rrule": recurrence.rule if recurrence else None,
        "timezone": recurrence.zone.key if recurrence else None,
        "reason": window.reason,
        "by": window.by,
        "declared": window.declared,
        "approved_by": window.approved_by,
        "source": source,
        "proof": proof,
    }


def window_of(body: Mapping[str, Any], seen: Instant) -> Window:
    """The inverse; it counts as declared at the later of what was claimed and when it was first seen (R14)."""
    start, end = body["start"], body["end"]
    rule = body["rrule"]
    recurrence = Recurrence(rule, start, ZoneInfo(body["timezone"]), end - start) if rule else None
    declared = seen if body["declared"] is None else max(body["declared"], seen)
    return Window(
        body["id"], tuple(body["scope"]), start, end, body["reason"], body["by"], recurrence, declared,
        body["approved_by"],
    )  # fmt: skip


def exclusion_body(exclusion: Exclusion, source: str, proof: str | None = None) -> dict[str, Any]:
    return {
        "id": exclusion.id,
        "scope": list(exclusion.scope),
        "start": exclusion.start,
        "end": exclusion.end,
        "category": exclusion.category,
        "evidence": exclusion.evidence,
        "by": exclusion.by,
        "approved_by": exclusion.approved_by,
        "source": source,
        "proof": proof,
    }


def exclusion_of(body: Mapping[str, Any]) -> Exclusion:
    return Exclusion(
        body["id"], tuple(body["scope"]), body["start"], body["end"], body["category"], body["evidence"], body["by"],
        body["approved_by"],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Amended:
    at: Instant
    body: Mapping[str, Any]

    def __call__(self, one: Any, act: Act) -> tuple[Any, Act]:
        end = self.body["end"]
        amendment = Amendment(self.at, self.at if end is None else end)
        return replace(one, amendments=(*one.amendments, amendment)), replace(
            act, ended_by=self.body["source"] if end is None else None
        )


@dataclass(frozen=True, slots=True)
class _Withdrawn:
    source: str

    def __call__(self, one: Any, act: Act) -> tuple[Any, Act]:
        return one, replace(act, ended_by=self.source)


@dataclass(frozen=True, slots=True)
class _Approved:
    by: str
    proof: str | None = field(default=None)

    def __call__(self, one: Any, act: Act) -> tuple[Any, Act]:
        return replace(one, approved_by=self.by), replace(act, approval_proof=self.proof)


def _changed(listed: tuple[Any, ...], identity: str, change: Any) -> tuple[Any, ...]:
    """With the newest one of an id changed, if it is not cancelled."""
    found = [n for n, (one, act) in enumerate(listed) if one.id == identity and not act.cancelled]
    if not found:
        return listed
    number = found[-1]
    return (*listed[:number], change(*listed[number]), *listed[number + 1 :])
