"""Packed and pruned checks: the same figures, the same checks, the same evidence, and what was changed is named."""

import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor import archived, packing, sealing, verification
from monitor.core.check import Check, Outcome
from monitor.core.instants import DAY, MINUTE, SECOND
from monitor.ledger import Batch, CheckRow, Fact, Ledger, LedgerDamagedError
from monitor.ledger.packs import Numbered, made, unpacked
from monitor.ledger.restore import event_fact, put_in_force, state_of
from monitor.verification import Verified
from tests.ledger.accounts import RULES, START, TARGETS, VOICE, book, book_of, views

FAR = 2**62


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


def told(seed: int, minutes: int) -> list[CheckRow]:
    """Two targets by the minute: mostly up, with failures, words and silences, and one check that came late."""
    draw = random.Random(seed)
    rows, down = [], False
    for minute in range(minutes):
        down = draw.random() < (0.7 if down else 0.04)
        for target in TARGETS:
            if draw.random() < 0.02:
                continue
            failed = down and target == TARGETS[0]
            outcome = Outcome.DOWN if failed else Outcome.UNKNOWN if draw.random() < 0.02 else Outcome.UP
            at = START + minute * MINUTE + draw.randrange(SECOND)
            cause = None if outcome is Outcome.UP else "timeout" if failed else "resolver"
            check = Check(at, outcome, draw.randrange(9 * SECOND), VOICE, cause=cause)
            seen = {"reply": "421 ช้า", "phases": [["greeting", draw.randrange(99)]]} if cause else None
            rows.append(CheckRow(target, check, "greeting" if cause else None, seen, recovered=draw.random() < 0.01))
    late = Check(START + 5 * MINUTE, Outcome.UP, 1, VOICE, speaks=False)
    return [*rows, CheckRow(TARGETS[1], late)]


def written(path: Path, rows: list[CheckRow]) -> Ledger:
    """As a daemon writes them, with a seal now and then."""
    ledger = Ledger(path)
    wrote = book()
    facts = put_in_force(wrote, ledger, RULES, START)
    for begin in range(0, len(rows), 100):
        some = rows[begin : begin + 100]
        for row in some:
            facts += [event_fact(row.target, event, row.check.at) for event in wrote.record(row.target, row.check)]
        states = {name: state for name, one in wrote.accounts.items() if (state := state_of(name, one))}
        ledger.commit(Batch(some, facts, states))
        facts = []
        seal = sealing.seal(ledger, sealing.sealed_up_to(ledger.facts()), some[-1].check.at)
        assert seal is not None
        ledger.commit(Batch(facts=[seal]))
    return ledger


def packed(ledger: Ledger, monkeypatch: pytest.MonkeyPatch, most: int = 170) -> int:
    monkeypatch.setattr(packing, "MOST", most)
    number = 0
    while packing.pack(ledger, ledger.last_check(), START + 9 * DAY):
        number += 1
    return number


def pruned(ledger: Ledger, before: int) -> int:
    pruning, number = packing.Pruning(ledger, RULES), 0
    while pruning.step(before, START + 500 * DAY):
        number += 1
    return number


def verified(ledger: Ledger) -> Verified:
    return verification.verify(ledger, RULES)


def everything(ledger: Ledger) -> list[CheckRow]:
    return list(ledger.checks(0, FAR))


def bare(rows: list[CheckRow]) -> list[tuple[str, Check, str | None, bool]]:
    return [(row.target, row.check, row.phase, row.recovered) for row in rows]


checks = st.builds(
    lambda at, outcome, duration, voice, speaks: Check(
        at, outcome, duration, voice, speaks, None if outcome is Outcome.UP else "tls_handshake"
    ),
    st.integers(0, 2**53), st.sampled_from(Outcome), st.integers(0, 2**40), st.integers(0, 2**40), st.booleans(),
)  # fmt: skip
some_rows = st.lists(
    st.builds(
        CheckRow, st.sampled_from([*TARGETS, "ลม/x"]), checks, st.sampled_from([None, "tls"]), st.none(), st.booleans()
    ),
    min_size=1,
    max_size=40,
)


@settings(deadline=None)
@given(some_rows, st.integers(1, 2**40), st.lists(st.integers(1, 9), min_size=40, max_size=40))
def test_what_is_packed_is_unpacked_again(rows: list[CheckRow], first: int, steps: list[int]) -> None:
    numbered: list[Numbered] = []
    for row, step in zip(rows, steps, strict=False):
        first += step
        numbered.append((first, row))
    assert list(unpacked(made(numbered, ()))) == numbered


def test_packing_changes_nothing_that_is_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = told(1, 700)
    with written(path, rows) as ledger:
        before = everything(ledger), views(book_of(ledger)), verified(ledger)
        excerpts = list(_excerpts(ledger))
        count = packed(ledger, monkeypatch)
        assert count == -(-(len(rows) - 1) // 170)
        assert len(ledger.unpacked(1000)) == 1  # the newest
        assert bare(everything(ledger)) == bare(before[0])
        kept = [row for row in everything(ledger) if row.evidence is not None]
        assert kept == [row for row in before[0] if row.evidence is not None]
        assert views(book_of(ledger)) == before[1]
        after = verified(ledger)
        assert (after.differences, after.checks, after.pruned) == ((), before[2].checks, None)
        assert list(_excerpts(ledger)) == excerpts
        ledger.commit(Batch([CheckRow(TARGETS[0], Check(START + 2 * DAY, Outcome.UP, 0, VOICE))]))
        assert ledger.last_check() == len(rows) + 1
    with Ledger(path) as ledger:
        assert ledger.last_check() == len(rows) + 1


def _excerpts(ledger: Ledger) -> Iterator[list[CheckRow]]:
    """As `outages --evidence` asks: the failures, and the good checks right before and right after them."""
    for outage in book_of(ledger).accounts[TARGETS[0]].history.outages:
        failures = ledger.excerpt(TARGETS[0], outage.start, outage.end, 3, up=False)
        yield failures
        first, last = failures[0].check.at, failures[-1].check.at
        yield ledger.excerpt(TARGETS[0], first - DAY, first, 1, up=True, newest=True)
        last = ledger.excerpt(TARGETS[0], first, outage.end, 3, up=False, newest=True)[-1].check.at
        yield ledger.excerpt(TARGETS[0], last, last + DAY, 1, up=True)


def test_a_small_service_is_packed_by_the_day(path: Path) -> None:
    rows = told(2, 300)
    with written(path, rows) as ledger:
        sealed = ledger.last_check() - 1
        assert packing.pack(ledger, sealed, rows[0].check.at + DAY - 1) == 0
        assert packing.pack(ledger, 50, rows[0].check.at + DAY) == 50
        assert packing.pack(ledger, sealed, rows[0].check.at + 2 * DAY) == sealed - 50
        assert packing.pack(ledger, ledger.last_check(), rows[0].check.at + 9 * DAY) == 0  # the newest stays a row


@pytest.mark.parametrize("minutes", [0, 100, 333, 699])
def test_pruning_changes_no_figure_and_says_what_is_recomputed_from_spans(
    path: Path, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    rows = told(3, 700)
    with written(path, rows) as ledger:
        packs = packed(ledger, monkeypatch)
        figures, kept = views(book_of(ledger)), list(_excerpts(ledger))
        number = pruned(ledger, START + minutes * MINUTE)
        assert 0 <= number <= packs
        assert views(book_of(ledger)) == figures
        assert list(_excerpts(ledger)) == kept
        found = verified(ledger)
        assert found.differences == ()
        assert found.checks == len(rows) - 170 * number
        gone = archived.pruned(ledger)
        assert found.pruned == gone
        assert (gone is None) == (number == 0)
        if gone is not None:
            assert gone.checks == 170 * number
            assert gone.until < START + minutes * MINUTE
        assert bare(everything(ledger)) == bare(sorted(rows[170 * number :], key=lambda row: row.check.at))
        assert pruned(ledger, FAR) == packs - number  # in a second run, it goes on from there
        assert verified(ledger).differences == ()


def test_evidence_goes_when_its_own_time_is_over(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with written(path, told(4, 700)) as ledger:
        packs = packed(ledger, monkeypatch)
        while packing.drop_evidence(ledger, START + 300 * MINUTE, START + 500 * DAY):
            pass
        found = verified(ledger)
        assert (found.differences, found.pruned) == ((), None)
        dropped = list(ledger.facts((packing.DROPPED,)))
        assert 0 < len(dropped) < packs
        assert ledger.excerpt(TARGETS[0], 0, START + 200 * MINUTE, 3, up=False) == []
        assert ledger.excerpt(TARGETS[0], START + 400 * MINUTE, FAR, 3, up=False) != []
        pruned(ledger, FAR)
        assert verified(ledger).differences == ()


SPOILT = {
    "a blob": ("UPDATE packs SET checks = x'00' WHERE first = 1", "checks 1 to 170 were changed since fact"),
    "a blob of another pack": (
        "UPDATE packs SET checks = (SELECT checks FROM packs WHERE first = 171) WHERE first = 1",
        "checks 1 to 170 were changed since fact",
    ),
    "evidence": (
        "UPDATE evidence SET evidence = '{}' WHERE id = (SELECT min(id) FROM evidence)",
        "the evidence of checks",
    ),
    "evidence taken away": ("DELETE FROM evidence", "the evidence of checks 1 to 170 was changed since fact"),
    "a pack taken away": ("DELETE FROM packs WHERE first = 1", "checks 1 to 170, which fact"),
    "a pack dropped in silence": ("UPDATE packs SET checks = NULL WHERE first = 1", "checks 1 to 170 were changed"),
    "a pack that nobody made": (
        "INSERT INTO packs VALUES (900001, 900002, 2, 1, 2, NULL)",
        "no fact packed checks 900001 to 900002",
    ),
}


@pytest.mark.parametrize("what", SPOILT)
def test_what_was_changed_by_hand_is_named(path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    statement, words = SPOILT[what]
    with written(path, told(5, 400)) as ledger:
        packed(ledger, monkeypatch)
        assert verified(ledger).differences == ()
    _changed(path, statement)
    with Ledger(path, to_write=False) as ledger:
        try:
            said = list(verified(ledger).differences)
        except LedgerDamagedError as error:
            said = [str(error)]
    assert any(line.startswith(words) or "the pack of checks 1 to 170 cannot be read" in line for line in said), said


def test_what_timelines_go_on_from_is_under_a_digest_too(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with written(path, told(6, 400)) as ledger:
        packed(ledger, monkeypatch)
        assert pruned(ledger, START + 200 * MINUTE)
    _changed(path, "UPDATE baselines SET newest = newest - 1")
    with Ledger(path) as ledger:
        [said] = verified(ledger).differences[:1]
        assert said.startswith("what timelines go on from behind pruned checks was changed since fact ")


def test_a_pack_that_cannot_be_read_is_not_pruned(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with written(path, told(7, 400)) as ledger:
        packed(ledger, monkeypatch)
    _changed(path, "UPDATE packs SET checks = x'0102' WHERE first = 171")
    with Ledger(path) as ledger:
        pruning = packing.Pruning(ledger, RULES)
        assert pruning.step(FAR, START) == 170
        with pytest.raises(LedgerDamagedError, match="the pack of checks 171 to 340 cannot be read"):
            pruning.step(FAR, START)
        assert [link.fact.body["first"] for link in ledger.facts((packing.PRUNED,))] == [1]


def test_facts_of_packing_hold_what_is_said_of_them(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with written(path, told(8, 400)) as ledger:
        packed(ledger, monkeypatch)
        first = next(ledger.facts((packing.PACKED,))).fact.body
        assert (first["first"], first["last"], first["count"]) == (1, 170, 170)
        assert first["kept"] == len(list(ledger.evidence(1, 170)))
        ledger.commit(Batch(facts=[Fact(START, packing.PACKED, {"first": 1})]))
        assert any("does not hold what one of its kind does" in line for line in verified(ledger).differences)


def _changed(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()
