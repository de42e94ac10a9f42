"""Commands over checks that are packed, and over what was pruned: the same answers, and a word of what is missing."""

from typing import Any

import pytest

from monitor import packing
from monitor.assembly import rules_of
from monitor.core.instants import DAY
from monitor.ledger import Ledger
from monitor.settings import load
from tests.core.worked import at
from tests.declare.office import Office, hourly
from tests.declare.test_closing import ACT, END

LATER = END + 900 * DAY


@pytest.fixture
def packed(office: Office) -> Office:
    """Closed, sealed, and but for the newest check packed."""
    office.feed(hourly(at("13:00"), END))
    office.now = END + 7 * DAY
    office.act(*ACT)
    office.seal()
    before = answers(office)
    with Ledger(office.ledger) as ledger:
        assert packing.pack(ledger, ledger.last_check(), LATER) > 500
    assert answers(office) == before
    return office


def answers(office: Office) -> list[Any]:
    """Everything that is answered of the month but where it is kept."""
    asked = (("sla",), ("outages",), ("outages", "--evidence"))
    found = [office.run(*one, "--month", "2026-11", "--format", "json") for one in asked]
    exported = office.run("export", "checks", "--month", "2026-11")
    file = office.place / "checks.jsonl"
    file.write_text(exported.out)
    found += [exported, office.run("replay", str(file), "--month", "2026-11", "--format", "json")]
    assert [(one.status, one.err) for one in found] == [(one.status, "") for one in found]
    return [one.out for one in found]


def prune(office: Office) -> None:
    with Ledger(office.ledger) as ledger:
        assert packing.Pruning(ledger, rules_of(load(office.configuration))).step(LATER, LATER) > 500


def test_packed_checks_give_every_answer_that_rows_gave(packed: Office) -> None:
    done = packed.run("verify")
    assert (done.status, done.err) == (0, "")
    assert "recomputed from spans" not in done.out


def test_after_pruning_figures_and_evidence_stay_and_what_is_missing_is_said(packed: Office) -> None:
    figures, evidence = packed.figures(), packed.run("outages", "--month", "2026-11", "--evidence", "--format", "json")
    prune(packed)
    assert packed.figures() == figures
    assert packed.run("outages", "--month", "2026-11", "--evidence", "--format", "json") == evidence
    done = packed.run("verify")
    assert (done.status, done.err) == (0, "")
    said = "recomputed from spans: what lies before 2026-"
    [line] = [line for line in done.out.splitlines() if line.startswith(said)]
    exported = packed.run("export", "checks", "--month", "2026-11")
    assert len(exported.out.splitlines()) == 1
    number = line.rpartition(" ")[2]
    assert exported.err.startswith(f"{packed.ledger}: {number} checks up to 2026-")
    assert exported.err.endswith(" were pruned and are missing\n")


def test_evidence_that_was_pruned_is_said_to_be(packed: Office) -> None:
    with Ledger(packed.ledger) as ledger:
        assert packing.drop_evidence(ledger, LATER, LATER) > 0
    done = packed.run("outages", "--month", "2026-11", "--evidence", "--format", "json")
    assert done.status == 0
    assert done.err.startswith("evidence up to 2026-11-30T")
    assert done.err.endswith(" was pruned: ledger.keep_evidence\n")
    [outage] = done.document["outages"]
    assert outage["evidence"][0]["first"] == []
    assert packed.run("verify").status == 0
