"""What the ledger took it keeps, all of it or nothing, in a chain that shows every change by hand."""

import hashlib
import json
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from monitor.core.check import Check, Outcome
from monitor.core.month import StateSeconds
from monitor.ledger import Batch, CheckRow, Fact, Ledger, LedgerDamagedError, LedgerUnavailableError, State
from monitor.ledger.chain import GENESIS, canonical
from tests.ledger.accounts import START, TARGETS, VOICE, check
from tests.ledger.committing import PER_BATCH, batch

FACTS = [Fact(1, "started", {"version": "0.1.0"}), Fact(2, "gap", {"target": "mail/ลม", "start": 5, "end": 7})]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


def digest_of(previous: bytes, seq: int, fact: Fact) -> bytes:
    """As documented: SHA-256 over the digest before it and the fact's canonical JSON."""
    written = {"seq": seq, "at": fact.at, "kind": fact.kind, "body": fact.body}
    text = json.dumps(written, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(previous + text.encode()).digest()


def verified(ledger: Ledger) -> list[Fact]:
    """The facts, each found in its place in the chain, whose end is the ledger's head."""
    previous, facts = GENESIS, []
    for seq, link in enumerate(ledger.facts(), 1):
        assert (link.seq, link.previous) == (seq, previous)
        assert link.digest == digest_of(previous, seq, link.fact)
        previous = link.digest
        facts.append(link.fact)
    assert ledger.head == previous.hex()
    return facts


def recorded(ledger: Ledger) -> list[CheckRow]:
    return list(ledger.checks(0, 2**62))


def test_counters_go_on_from_where_they_were_last_kept(path: Path) -> None:
    first, then = StateSeconds(START, 1, 2, 3, 4), StateSeconds(START + 9, 2**60, 2, 3, 4)
    with Ledger(path) as ledger:
        ledger.commit(Batch(seconds={"mail": first, "other": first}))
        ledger.commit(Batch(seconds={"mail": then}))
    with Ledger(path) as ledger:
        assert dict(ledger.state_seconds()) == {"mail": then, "other": first}


def test_what_was_committed_is_there_after_reopening(path: Path) -> None:
    down = Check(START + 5, Outcome.DOWN, 3, VOICE, speaks=False, cause="timeout")
    rows = [
        CheckRow(TARGETS[0], check(START)),
        CheckRow(TARGETS[1], down, "greeting", {"reply": "421 ช้า", "phases": [["greeting", 3]]}),
    ]
    state = State(TARGETS[0], START, START + 9, {"down": False, "row": None})
    with Ledger(path) as ledger:
        ledger.commit(Batch(rows, list(FACTS), {state.target: state}))
    with Ledger(path) as ledger:
        assert recorded(ledger) == rows
        assert verified(ledger) == FACTS
        assert list(ledger.states()) == [state]


def test_the_chain_begins_with_nothing_and_goes_on_after_reopening(path: Path) -> None:
    with Ledger(path) as ledger:
        assert ledger.head == "00" * 32
    for fact in FACTS:
        with Ledger(path) as ledger:
            ledger.commit(Batch(facts=[fact]))
    with Ledger(path) as ledger:
        assert verified(ledger) == FACTS


def test_checks_are_found_by_a_half_open_stretch_of_time_in_their_order(path: Path) -> None:
    with Ledger(path) as ledger:
        ledger.commit(Batch([CheckRow(TARGETS[at % 2], check(at)) for at in (30, 10, 20, 40)]))
        assert [row.check.at for row in ledger.checks(10, 40)] == [10, 20, 30]


def test_facts_are_found_by_kind(path: Path) -> None:
    with Ledger(path) as ledger:
        ledger.commit(Batch(facts=[*FACTS, *FACTS]))
        assert [link.seq for link in ledger.facts(["gap"])] == [2, 4]


def test_a_state_is_replaced_by_the_next(path: Path) -> None:
    with Ledger(path) as ledger:
        for newest in (7, 9):
            ledger.commit(Batch(states={"mail/imap": State("mail/imap", 5, newest, {"down": newest == 9})}))
        assert list(ledger.states()) == [State("mail/imap", 5, 9, {"down": True})]


def test_the_same_fact_has_the_same_digest_whatever_the_order_of_its_keys() -> None:
    assert canonical({"b": 1, "a": [True, None, "ö"]}) == '{"a":[true,null,"ö"],"b":1}'.encode()


@pytest.mark.parametrize("body", [{"x": 0.5}, {"x": [1, {"y": 2.0}]}, {"x": float("nan")}])
def test_a_fact_with_floating_point_is_refused_and_nothing_written(path: Path, body: dict[str, object]) -> None:
    with Ledger(path) as ledger:
        with pytest.raises(ValueError, match="floating point"):
            ledger.commit(Batch([CheckRow(TARGETS[0], check(5))], [Fact(1, "test", body)]))
        assert (recorded(ledger), verified(ledger)) == ([], [])
        ledger.commit(Batch(facts=list(FACTS)))
        assert verified(ledger) == FACTS


@pytest.mark.parametrize(("column", "value"), [("evidence", "{"), ("outcome", "sideways")], ids=["evidence", "outcome"])
def test_a_check_that_was_spoilt_by_hand_is_said_to_be_damage(path: Path, column: str, value: str) -> None:
    with Ledger(path) as ledger:
        ledger.commit(Batch(checks=[CheckRow(TARGETS[0], check(1, Outcome.DOWN), None, {"reply": "no"})]))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute(f"UPDATE checks SET {column} = ?", (value,))
    with Ledger(path) as ledger, pytest.raises(LedgerDamagedError, match="cannot be read"):
        recorded(ledger)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE facts SET body = '{}' WHERE seq = 1",
        "UPDATE facts SET at = 9",
        "DELETE FROM facts WHERE seq = 2",
        "DELETE FROM facts",
    ],
)
def test_facts_can_be_neither_changed_nor_deleted(path: Path, statement: str) -> None:
    with Ledger(path) as ledger:
        ledger.commit(Batch(facts=list(FACTS)))
    other = sqlite3.connect(path)
    with pytest.raises(sqlite3.DatabaseError, match="append-only"):
        other.execute(statement)
    other.close()
    with Ledger(path) as ledger:
        assert verified(ledger) == FACTS


@pytest.mark.parametrize("seq", ["seq", "seq + 7"])
def test_a_fact_cannot_be_replaced_either(path: Path, seq: str) -> None:
    with Ledger(path) as ledger:
        ledger.commit(Batch(facts=list(FACTS)))
    other = sqlite3.connect(path)
    with pytest.raises(sqlite3.DatabaseError, match="append-only"):
        other.execute(f"INSERT OR REPLACE INTO facts SELECT {seq}, 9, kind, body, previous, digest FROM facts")
    other.close()
    with Ledger(path) as ledger:
        assert verified(ledger) == FACTS


BAD = Check(9, Outcome.DOWN, -1, VOICE, cause="timeout")


def test_a_batch_that_cannot_be_written_leaves_nothing_behind(path: Path) -> None:
    with Ledger(path) as ledger:
        ledger.commit(Batch([CheckRow(TARGETS[0], check(5))], FACTS[:1]))
        rows = [CheckRow("mail/new", check(6)), CheckRow(TARGETS[0], BAD)]
        state = State("mail/new", 6, 6, {})
        with pytest.raises(LedgerUnavailableError, match=r"ledger\.db: "):
            ledger.commit(Batch(rows, FACTS[1:], {state.target: state}))
        assert [row.check.at for row in recorded(ledger)] == [5]
        assert list(ledger.states()) == []
        assert verified(ledger) == FACTS[:1]
        ledger.commit(Batch([CheckRow("mail/new", check(6))], FACTS[1:]))
        assert verified(ledger) == FACTS
        assert [row.target for row in recorded(ledger)] == [TARGETS[0], "mail/new"]


def test_a_full_disk_is_survived(path: Path) -> None:
    with Ledger(path) as ledger:
        ledger.commit(Batch(facts=FACTS[:1]))
        pages = vars(ledger)["_connection"].execute("PRAGMA page_count").fetchone()[0]
        vars(ledger)["_connection"].execute(f"PRAGMA max_page_count = {pages}")
        large = Batch([CheckRow(TARGETS[0], check(at)) for at in range(2000)], FACTS[1:])
        with pytest.raises(LedgerUnavailableError, match="full"):
            ledger.commit(large)
        assert (recorded(ledger), verified(ledger)) == ([], FACTS[:1])
        vars(ledger)["_connection"].execute("PRAGMA max_page_count = 1000000")
        ledger.commit(large)
        assert (len(recorded(ledger)), verified(ledger)) == (2000, FACTS)


def test_words_of_a_server_in_no_known_encoding_are_kept(path: Path) -> None:
    reply = b"554 \xb9\xd2\xc1".decode("utf-8", "surrogateescape")
    down = Check(5, Outcome.DOWN, 0, VOICE, cause="rejected_permanent")
    with Ledger(path) as ledger:
        ledger.commit(Batch([CheckRow(TARGETS[0], down, "greeting", {"reply": reply})]))
        [row] = recorded(ledger)
    assert row.evidence == {"reply": reply}


def test_a_commit_survives_power_cuts_by_its_settings(path: Path) -> None:
    with Ledger(path) as ledger:
        ask = vars(ledger)["_connection"].execute
        assert ask("PRAGMA journal_mode").fetchone() == ("wal",)
        assert ask("PRAGMA synchronous").fetchone() == (2,)  # FULL


@pytest.mark.parametrize("acknowledged", [0, 1, 40])
def test_a_process_killed_while_it_commits_loses_nothing_it_has_acknowledged(path: Path, acknowledged: int) -> None:
    command = [sys.executable, "-m", "tests.ledger.committing", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        said = [child.stdout.readline() for _ in range(acknowledged)]
        child.send_signal(signal.SIGKILL)
        said += child.stdout.readlines()
    complete = [line.split() for line in said if line.endswith("\n")]
    with Ledger(path) as ledger:
        facts = verified(ledger)
        heads = [link.digest.hex() for link in ledger.facts()][PER_BATCH - 1 :: PER_BATCH]
        assert [head for _, head in complete] == heads[: len(complete)]
        # The last commit may have been acknowledged to nobody; none is there by half.
        assert len(facts) in {PER_BATCH * len(complete), PER_BATCH * (len(complete) + 1)}
        whole = [batch(number) for number in range(len(facts) // PER_BATCH)]
        assert facts == [fact for one in whole for fact in one.facts]
        assert Counter(recorded_instants(ledger)) == Counter(row.check.at for one in whole for row in one.checks)
        ledger.commit(batch(len(whole)))
        assert len(verified(ledger)) == len(facts) + PER_BATCH
    assert len(complete) >= acknowledged


def recorded_instants(ledger: Ledger) -> list[int]:
    return [row.check.at for row in recorded(ledger)]
