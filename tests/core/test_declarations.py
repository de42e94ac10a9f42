"""A series of facts about windows and exclusions, and what it comes to (R14, R15)."""

from typing import Any

import pytest

from monitor.core.declarations import (
    KINDS,
    Declarations,
    exclusion_body,
    exclusion_of,
    window_body,
    window_of,
)  # fmt: skip
from monitor.core.instants import HOUR
from monitor.core.intervals import Span
from monitor.core.maintenance import Exclusion, Policy, Window, excusing, judge
from monitor.core.recurrence import Recurrence
from monitor.core.service import EVERYTHING
from tests.core.worked import ZONE, at

NINE, TEN, ELEVEN, NOON = (at(f"{hour:02}:00") for hour in (9, 10, 11, 12))
WINDOW = Window("w1", ("mail",), TEN, NOON, "upgrade", "ops")
EXCLUSION = Exclusion("x1", ("mail/imap",), TEN, NOON, "customer", "ticket 7", "ops")
Said = tuple[int, str, dict[str, Any]]


def declared(when: int, window: Window = WINDOW, proof: str | None = None) -> Said:
    return when, "window", window_body(window, "command", proof)


def amended(when: int, end: int | None, identity: str = "w1") -> Said:
    return when, "window_amended", {"id": identity, "end": end, "source": "command"}


def excluded(when: int, proof: str | None = None) -> Said:
    return when, "exclusion", exclusion_body(EXCLUSION, "file", proof)


def withdrawn(when: int, identity: str = "x1") -> Said:
    return when, "exclusion_withdrawn", {"id": identity, "source": "command"}


def approved(when: int, identity: str, by: str = "chief", proof: str | None = None) -> Said:
    return when, "approval", {"id": identity, "by": by, "proof": proof}


def excused(*facts: Said) -> list[Span]:
    found = Declarations.of(facts)
    spans = excusing(found.declared, found.excluded, lambda _: Policy(), NINE, at("20:00"))
    return sorted(span for listed in spans.values() for span in listed)


def test_a_window_is_written_and_read_again() -> None:
    nightly = Recurrence("FREQ=DAILY", TEN, ZONE, 2 * HOUR)
    made = Window("w2", ("mail", "web/http"), TEN, NOON, "upgrade", "ops", nightly, NINE, "chief")
    assert window_of(window_body(made, "file"), NINE) == made
    body = window_body(made, "file", "uid 1000")
    assert (body["rrule"], body["timezone"], body["source"], body["proof"]) == (
        "FREQ=DAILY", "Asia/Bangkok", "file", "uid 1000",
    )  # fmt: skip
    assert (window_body(WINDOW, "file")["rrule"], window_body(WINDOW, "file")["timezone"]) == (None, None)


def test_an_exclusion_is_written_and_read_again() -> None:
    made = Exclusion("x2", (), TEN, NOON, "force_majeure", "flood", "ops", "chief")
    assert exclusion_of(exclusion_body(made, "file")) == made


@pytest.mark.parametrize(("claimed", "seen", "counts"), [(None, TEN, TEN), (NINE, TEN, TEN), (TEN, NINE, TEN)])
def test_a_window_counts_as_declared_at_the_later_of_claim_and_first_sight(
    claimed: int | None, seen: int, counts: int
) -> None:
    body = {**window_body(WINDOW, "file"), "declared": claimed}
    assert window_of(body, seen).declared == counts


def test_a_window_excuses_from_its_declaration_on() -> None:
    assert excused(declared(NINE)) == [(TEN, NOON)]
    assert excused(declared(ELEVEN)) == [(ELEVEN, NOON)]
    assert excused(declared(NOON)) == []


def test_an_approval_by_another_excuses_what_lies_before_the_declaration() -> None:
    assert excused(declared(ELEVEN), approved(NOON, "w1")) == [(TEN, NOON)]
    assert excused(declared(ELEVEN), approved(NOON, "w1", by="ops")) == [(ELEVEN, NOON)]
    assert excused(declared(ELEVEN), approved(NOON, "w9")) == [(ELEVEN, NOON)]


def test_cancelling_acts_from_then_on_and_the_past_stays() -> None:
    facts = [declared(NINE), amended(ELEVEN, None)]
    assert excused(*facts) == [(TEN, ELEVEN)]
    found = Declarations.of(facts)
    assert found.window("w1") is None
    assert [act.cancelled for _, act in found.windows] == [True]


def test_shortening_acts_from_then_on_and_may_be_done_again() -> None:
    facts = [declared(NINE), amended(TEN, at("11:30"))]
    assert excused(*facts) == [(TEN, at("11:30"))]
    assert excused(*facts, amended(at("10:30"), ELEVEN)) == [(TEN, ELEVEN)]
    assert excused(*facts, amended(at("11:15"), ELEVEN)) == [(TEN, at("11:15"))]
    assert Declarations.of(facts).window("w1") is not None


def test_what_refers_to_an_unknown_or_a_cancelled_window_changes_nothing() -> None:
    cancelled = [declared(NINE), amended(ELEVEN, None)]
    assert excused(declared(NINE), amended(ELEVEN, None, "w9")) == [(TEN, NOON)]
    assert Declarations.of([*cancelled, amended(at("10:30"), None)]) == Declarations.of(cancelled)
    assert Declarations.of([*cancelled, approved(NOON, "w1")]) == Declarations.of(cancelled)


def test_an_id_declared_anew_is_another_window_and_acts_refer_to_the_newest() -> None:
    facts = [declared(NINE), amended(at("10:30"), None), declared(ELEVEN)]
    assert excused(*facts) == [(TEN, at("10:30")), (ELEVEN, NOON)]
    assert excused(*facts, amended(at("11:30"), None)) == [(TEN, at("10:30")), (ELEVEN, at("11:30"))]
    found = Declarations.of(facts).window("w1")
    assert found is not None
    assert found[1].seen == ELEVEN


def test_an_exclusion_excuses_once_another_has_approved_it() -> None:
    assert excused(excluded(at("18:00"))) == []
    assert excused(excluded(at("18:00")), approved(at("19:00"), "x1", by="ops")) == []
    assert excused(excluded(at("18:00")), approved(at("19:00"), "x1")) == [(TEN, NOON)]


def test_a_withdrawn_exclusion_excuses_nothing_and_stays_on_record() -> None:
    facts = [excluded(at("18:00")), approved(at("19:00"), "x1")]
    found = Declarations.of([*facts, withdrawn(at("19:30"))])
    assert (found.excluded, found.exclusion("x1")) == ([], None)
    assert [(one.id, act.cancelled) for one, act in found.exclusions] == [("x1", True)]
    assert excused(*facts, withdrawn(at("19:30"), "x9")) == [(TEN, NOON)]
    again = Declarations.of([*facts, withdrawn(at("19:30")), excluded(at("19:45"))])
    assert [exclusion.approved_by for exclusion in again.excluded] == [None]


@pytest.mark.parametrize(("approver", "one"), [("uid 1000", True), ("uid 1001", False)])
def test_two_names_under_one_login_are_one_witness(approver: str, *, one: bool) -> None:
    facts = [declared(NINE, proof="uid 1000"), approved(TEN, "w1", proof=approver)]
    facts += [excluded(at("18:00"), "uid 1000"), approved(at("19:00"), "x1", proof=approver)]
    made = Declarations.of(facts)
    assert [act.attested_by_one(found.approved_by) for found, act in made.windows] == [one]
    assert [act.attested_by_one(found.approved_by) for found, act in made.exclusions] == [one]
    assert not Declarations.of(facts[:1]).windows[0][1].attested_by_one(None)


def test_what_one_file_both_declares_and_approves_has_one_witness() -> None:
    [(found, act)] = Declarations.of([excluded(at("18:00")), approved(at("19:00"), "x1")]).exclusions
    assert act.source == "file"
    assert act.attested_by_one(found.approved_by)


def test_where_a_declaration_came_from_and_when_it_was_seen_is_kept() -> None:
    made = Declarations.of([declared(NINE), excluded(at("18:00"))])
    assert [(act.source, act.seen) for _, act in (*made.windows, *made.exclusions)] == [
        ("command", NINE), ("file", at("18:00")),
    ]  # fmt: skip
    assert made.exclusion("x1") == (EXCLUSION, made.exclusions[0][1])


def test_facts_of_other_kinds_change_nothing() -> None:
    made = Declarations.of([declared(NINE)])
    assert made.plus(TEN, "outage", {"id": "w1"}) is made
    assert {"outage", "blip", "gap", "closing"}.isdisjoint(KINDS)


def test_every_window_without_a_scope_is_of_everything() -> None:
    made = Declarations.of([declared(NINE, Window("w3", (), TEN, NOON, "upgrade", "ops"))])
    assert excusing(made.declared, [], lambda _: Policy(), TEN, ELEVEN) == {EVERYTHING: [(TEN, ELEVEN)]}
    assert judge(made.declared[0], (TEN, NOON), Policy()).late is False
