"""A ledger changed by hand is found out: what was changed is named on a line of its own, and the status is 1."""

import json
import sqlite3
from collections.abc import Callable

import pytest

from monitor.closing import digest_of
from monitor.core.instants import DAY, SECOND
from monitor.ledger.chain import GENESIS, Fact, canonical, link
from tests.core.worked import at
from tests.declare.office import Office, hourly, once
from tests.declare.test_closing import ACT, END


@pytest.fixture
def kept(office: Office, ledgers: dict[str, bytes]) -> Office:
    """Closed, sealed, and with something declared."""
    office.now = END + 7 * DAY
    once(office, ledgers, "all kinds of facts", lambda: _filled(office))
    return office


def _filled(office: Office) -> None:
    office.now = at("12:30")
    span = ("--start", "2026-11-12T10:00", "--end", "2026-11-12T11:00")
    office.act("maintenance", "add", "--reason", "upgrade", "--by", "ops", "--id", "CHG-1", *span)
    office.feed(hourly(at("13:00"), END))
    office.now = END + 7 * DAY
    office.act(*ACT)
    office.seal()
    assert office.run("verify").status == 0


def found(office: Office, *arguments: str) -> list[str]:
    """The differences that `verify` names."""
    done = office.run("verify", *arguments)
    assert (done.status, done.out) == (1, ""), done
    return done.err.splitlines()


def number(office: Office, kind: str) -> int:
    return office.facts(kind)[-1].seq


def rewritten(office: Office, kind: str, change: Callable[[dict[str, object]], None], *, digest: bool = False) -> int:
    """Change the newest fact of a kind, and its own digest where that is asked; its number."""
    [*_, one] = office.facts(kind)
    body = dict(one.fact.body)
    change(body)
    made = link(one.seq, Fact(one.fact.at, kind, body), one.previous)
    with office.tampering() as connection:
        connection.execute("UPDATE facts SET body = ? WHERE seq = ?", (canonical(body).decode(), one.seq))
        if digest:
            connection.execute("UPDATE facts SET digest = ? WHERE seq = ?", (made.digest, one.seq))
    return one.seq


def rebuilt(office: Office) -> None:
    """Make the whole chain anew over whatever the facts say now."""
    with office.tampering() as connection:
        rows = connection.execute("SELECT seq, at, kind, body FROM facts ORDER BY seq").fetchall()
        connection.execute("DELETE FROM facts")
        previous = GENESIS
        for position, (_, instant, kind, body) in enumerate(rows, 1):
            made = link(position, Fact(instant, kind, json.loads(body)), previous)
            connection.execute(
                "INSERT INTO facts (seq, at, kind, body, previous, digest) VALUES (?, ?, ?, ?, ?, ?)",
                (position, instant, kind, body, previous, made.digest),
            )
            previous = made.digest


def test_a_fact_with_another_content_is_named(kept: Office) -> None:
    seq = rewritten(kept, "window", lambda body: body.update(reason="another"))
    assert found(kept) == [f"fact {seq} (window) was changed: its content does not have its digest"]


def test_a_fact_at_another_time_is_named(kept: Office) -> None:
    seq = number(kept, "window")
    with kept.tampering() as connection:
        connection.execute("UPDATE facts SET at = at - 1 WHERE seq = ?", (seq,))
    assert f"fact {seq} (window) was changed: its content does not have its digest" in found(kept)


def test_a_fact_changed_with_its_own_digest_is_found_by_the_one_after_it(kept: Office) -> None:
    seq = rewritten(kept, "window", lambda body: body.update(reason="another"), digest=True)
    [line] = found(kept)
    assert line.startswith(f"fact {seq + 1} (")
    assert line.endswith("does not follow the fact before it")


def test_a_deleted_fact_is_missed(kept: Office) -> None:
    seq = number(kept, "window")
    with kept.tampering() as connection:
        connection.execute("DELETE FROM facts WHERE seq = ?", (seq,))
    assert f"fact {seq} is missing" in found(kept)


def test_a_fact_that_is_no_json_any_more_is_named(kept: Office) -> None:
    seq = number(kept, "window")
    with kept.tampering() as connection:
        connection.execute("UPDATE facts SET body = '{' WHERE seq = ?", (seq,))
    assert found(kept) == [f"what follows fact {seq - 1} cannot be read: it holds no JSON"]


@pytest.mark.parametrize("kind", ["rules", "window", "outage", "checks_sealed", "closing"])
def test_a_fact_without_its_content_is_named(kind: str, kept: Office) -> None:
    seq = rewritten(kept, kind, dict.clear)
    assert f"fact {seq} ({kind}) was changed: its content does not have its digest" in found(kept)


@pytest.mark.parametrize("kind", ["rules", "window", "outage", "checks_sealed", "closing"])
def test_a_fact_without_its_content_is_named_also_in_a_chain_that_was_rebuilt(kind: str, kept: Office) -> None:
    seq = rewritten(kept, kind, dict.clear)
    rebuilt(kept)
    assert any(f"fact {seq} ({kind})" in line for line in found(kept))


def test_a_check_with_another_outcome_is_found_by_its_seal_and_by_the_figures(kept: Office) -> None:
    with kept.tampering() as connection:
        connection.execute(
            "UPDATE checks SET outcome = 'up', cause = NULL WHERE outcome = 'down' AND at = ?", (at("10:00"),)
        )
    lines = found(kept)
    seal = kept.facts("checks_sealed")[-1]
    assert lines[0] == f"checks 1 to {seal.fact.body['last']} were changed since fact {seal.seq} sealed them"
    assert any("records an outage that the checks do not give" in line for line in lines)
    assert any(line.startswith("2026-11 revision 1, mail: downtime is recorded as 7200000000") for line in lines)


def test_a_deleted_check_is_missed_under_its_seal(kept: Office) -> None:
    with kept.tampering() as connection:
        connection.execute("DELETE FROM checks WHERE at = ?", (at("2026-11-05T10:00"),))
    assert found(kept)[0].endswith("sealed them, 1 are missing")


def test_a_check_moved_to_before_the_others_is_found(kept: Office) -> None:
    with kept.tampering() as connection:
        connection.execute("UPDATE checks SET at = at - ? WHERE at = ?", (DAY, at("2026-11-05T10:00")))
    assert any(line.startswith("checks 1 to") for line in found(kept))


def test_a_closing_changed_together_with_its_digest_is_found_by_its_figures(kept: Office) -> None:
    def less(body: dict[str, object]) -> None:
        services = body["services"]
        assert isinstance(services, dict)
        services["mail"] = {**services["mail"], "downtime": 3600 * SECOND}

    rewritten(kept, "closing", less, digest=True)
    text = f"downtime is recorded as {3600 * SECOND}, recomputed as {7200 * SECOND}"
    assert f"2026-11 revision 1, mail: {text}" in found(kept)


def test_a_closing_in_a_chain_that_was_rebuilt_is_still_found_by_its_figures(kept: Office) -> None:
    def less(body: dict[str, object]) -> None:
        services = body["services"]
        assert isinstance(services, dict)
        services["mail"] = {**services["mail"], "downtime": 0}

    rewritten(kept, "closing", less)
    rebuilt(kept)
    assert found(kept) == [f"2026-11 revision 1, mail: downtime is recorded as 0, recomputed as {7200 * SECOND}"]


def test_a_service_left_out_of_a_closing_is_found(kept: Office) -> None:
    rewritten(kept, "closing", lambda body: body.update(services={}))
    rebuilt(kept)
    assert any(line.startswith("2026-11 revision 1, mail:") for line in found(kept))


def test_a_rebuilt_chain_that_agrees_with_itself_is_found_only_by_a_head_noted_before(kept: Office) -> None:
    noted = kept.verified().head
    rewritten(kept, "window", lambda body: body.update(reason="another"))
    rebuilt(kept)
    assert kept.run("verify").status == 0
    assert found(kept, "--head", noted) == [
        f"no fact has the digest {noted}: the chain was rebuilt or cut off since it was noted"
    ]


def test_a_chain_cut_off_at_its_end_is_found_by_a_head_noted_before(kept: Office) -> None:
    noted = kept.verified().head
    with kept.tampering() as connection:
        connection.execute("DELETE FROM facts WHERE seq = (SELECT max(seq) FROM facts)")
    assert found(kept, "--head", noted) == [
        f"no fact has the digest {noted}: the chain was rebuilt or cut off since it was noted"
    ]


def test_an_outage_that_was_invented_is_named(kept: Office) -> None:
    [*_, outage] = kept.facts("outage")
    kept.append(Fact(kept.now, "outage", {**outage.fact.body, "start": at("13:00"), "end": at("14:00")}))
    seq = number(kept, "outage")
    assert found(kept) == [f"mail/smtp: fact {seq} records an outage that the checks do not give"]


def test_an_ordinary_connection_can_neither_change_nor_delete_a_fact(kept: Office) -> None:
    connection = sqlite3.connect(kept.ledger)
    try:
        for statement in (
            "UPDATE facts SET at = 0",
            "DELETE FROM facts",
            "INSERT OR REPLACE INTO facts SELECT * FROM facts",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(statement)
    finally:
        connection.close()
    assert kept.run("verify").status == 0


def test_a_file_that_is_damaged_is_told_in_one_line(kept: Office) -> None:
    size = kept.ledger.stat().st_size
    with kept.ledger.open("r+b") as file:
        file.seek(size // 2 // 4096 * 4096)
        file.write(b"\xff" * 16384)
    done = kept.run("verify")
    assert (done.status, done.out) == (1, "")
    assert str(kept.ledger) in done.err
    assert done.err.count("\n") == 1


def test_the_digest_of_a_closing_is_that_of_its_content(kept: Office) -> None:
    assert kept.figures()["digest"] == digest_of(kept.bodies("closing")[-1])
