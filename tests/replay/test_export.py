"""What is exported reads as what is recorded: a replay of it gives the ledger's figures, digit for digit."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.assembly import rules_of
from monitor.checklines import LineReader, line_of
from monitor.core.check import Check, Outcome
from monitor.core.instants import MINUTE, SECOND, parse_instant
from monitor.ledger import Batch, CheckRow, Ledger
from monitor.ledger.restore import event_fact, put_in_force, restored, state_of
from monitor.recorder import silenced
from monitor.settings import load
from tests.core.worked import STALE_AFTER, ZONE
from tests.replay.commands import Desk, run

Arrivals = Iterable[tuple[str, Check]]


def at(text: str) -> int:
    return parse_instant(text, ZONE)


def check(instant: int, outcome: Outcome, duration: int = 0, voice: int = STALE_AFTER) -> Check:
    cause = {Outcome.UP: None, Outcome.DOWN: "deadline", Outcome.UNKNOWN: "observer_missed"}[outcome]
    return Check(instant, outcome, duration, voice, cause=cause)


def record(desk: Desk, arrivals: Arrivals, now: int) -> None:
    """A daemon's run from its start to its stop: checks are recorded as they come."""
    with Ledger(desk.ledger) as ledger:
        rules = rules_of(load(desk.configuration))
        book, _ = restored(ledger, rules)
        batch = Batch(facts=put_in_force(book, ledger, rules, now))
        for target, one in arrivals:
            newest = book.accounts[target].newest
            heard = silenced(one) if newest is not None and one.at < newest else one
            batch.facts += [event_fact(target, event, now) for event in book.record(target, heard)]
            batch.checks.append(CheckRow(target, heard))
            state = state_of(target, book.accounts[target])
            assert state is not None
            batch.states[target] = state
        ledger.commit(batch)


def ups(target: str, start: str, end: str, step: int = MINUTE) -> Iterator[tuple[str, Check]]:
    return ((target, check(instant, Outcome.UP, 123_456)) for instant in range(at(start), at(end), step))


def downs(target: str, start: str, end: str) -> Iterator[tuple[str, Check]]:
    """Every 5.000001 s, each lasting 2.5 s."""
    instants = range(at(start), at(end), 5 * SECOND + 1)
    return ((target, check(instant, Outcome.DOWN, 2_500_000)) for instant in instants)


def eventful(desk: Desk) -> None:
    """Months of 2024: outages over both ends of October, a blip, a restart in an outage, a clock that was set back."""
    desk.configure("imap", "smtp")
    imap, smtp = "mail/imap", "mail/smtp"
    before = [*ups(imap, "2024-09-30T23:00", "2024-09-30T23:40"), *downs(imap, "2024-09-30T23:40", "2024-10-01T00:20")]
    record(desk, [*before, *ups(smtp, "2024-09-30T23:30", "2024-10-01T00:10:30")], at("2024-10-01T00:20"))
    after = [
        *downs(imap, "2024-10-01T00:20:40", "2024-10-01T00:31"),  # the same outage, after a restart
        *ups(imap, "2024-10-01T00:31", "2024-10-01T01:00", 20 * SECOND),
        *downs(smtp, "2024-10-01T00:40", "2024-10-01T00:40:07"),  # a blip
        *ups(smtp, "2024-10-01T00:40:10", "2024-10-01T02:00"),
        (smtp, check(at("2024-10-01T02:00"), Outcome.UNKNOWN)),
        *downs(imap, "2024-10-01T00:50", "2024-10-01T00:55"),  # the clock was set back: these do not speak
        *ups(imap, "2024-10-01T00:55:00.000001", "2024-10-01T02:00"),
        *downs(imap, "2024-10-31T23:50", "2024-11-01T00:10"),
        *ups(imap, "2024-11-01T00:10", "2024-11-01T00:20"),
    ]
    record(desk, after, at("2024-11-01T00:20"))


def assert_replayed(desk: Desk, *months: str, until: tuple[str, ...] = ()) -> None:
    """What the ledger and a replay of the export say is the same text."""
    for month in months:
        exported = desk.export("--month", month)
        assert (exported.status, exported.err) == (0, "")
        replayed = desk.replay(desk.file("exported.jsonl", exported.out), *until, month=month)
        ledger = run("sla", "-c", desk.configuration, "--month", month, "--format", "json")
        assert (replayed.status, replayed.out, replayed.err) == (ledger.status, ledger.out, ledger.err)


def test_a_replay_of_the_export_gives_the_figures_of_the_ledger(desk: Desk) -> None:
    eventful(desk)
    assert_replayed(desk, "2024-09", "2024-10", "2024-11", "2024-12")
    found = run("sla", "-c", desk.configuration, "--month", "2024-10", "--format", "json").service
    assert found["downtime_seconds"] == 31 * 60 + 10 * 60
    assert (found["blips"]["count"], len(found["outages"])) == (1, 2)
    assert found["unknown_seconds"] > 0


def test_the_month_alone_is_less_than_what_decides_it(desk: Desk) -> None:
    eventful(desk)
    everything, alone = desk.export("--month", "2024-10").out, desk.export("--month", "2024-10", "--only-month").out
    assert [line for line in everything.splitlines() if '"at": "2024-10' in line] == alone.splitlines()
    found = desk.replay(desk.file("alone.jsonl", alone), month="2024-10").service
    assert found["outages"][0]["start"] > "2024-10-01T00:00:00+07:00"


def test_lines_are_in_order_and_say_only_what_is_needed(desk: Desk) -> None:
    eventful(desk)
    lines = desk.export("--from", "2024-10-01T00:39:10", "--to", "2024-10-01T00:50:05").out.splitlines()
    instants = [parse_instant(json.loads(line)["at"], ZONE) for line in lines]
    assert instants == sorted(instants)
    assert lines[0] == (
        '{"at": "2024-10-01T00:39:20+07:00", "target": "mail/imap", "outcome": "up",'
        ' "duration_seconds": 0.123456, "voice_seconds": 135}'
    )
    assert (
        '{"at": "2024-10-01T00:40:05.000001+07:00", "target": "mail/smtp", "outcome": "down",'
        ' "duration_seconds": 2.5, "voice_seconds": 135, "cause": "deadline"}'
    ) in lines
    (silent,) = (line for line in lines if "speaks" in line)
    assert silent == (
        '{"at": "2024-10-01T00:50:00+07:00", "target": "mail/imap", "outcome": "down",'
        ' "duration_seconds": 2.5, "voice_seconds": 135, "speaks": false, "cause": "deadline"}'
    )


def test_a_span_is_half_open_and_either_end_may_be_left_out(desk: Desk) -> None:
    eventful(desk)
    everything = desk.export("--month", "2024-10").out
    middle = "2024-10-01T00:40:00"
    assert desk.export("--to", middle).out + desk.export("--from", middle).out == everything
    assert desk.export("--from", middle).out.startswith(f'{{"at": "{middle}')


def test_an_export_looks_on_while_a_daemon_has_the_ledger(desk: Desk) -> None:
    eventful(desk)
    expected = desk.export("--month", "2024-10").out
    with Ledger(desk.ledger):
        assert desk.export("--month", "2024-10").out == expected


def test_without_a_ledger_there_is_nothing_to_export(desk: Desk) -> None:
    done = desk.export("--month", "2024-10")
    assert (done.status, done.out, done.err.count("\n")) == (69, "", 1)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--month", "2024-13"),
        ("--month", "2024-10", "--from", "2024-10-01T00:00"),
        ("--only-month", "--from", "2024-10-01T00:00"),
        ("--from", "noon"),
        ("--from", "2024-10-02T00:00", "--to", "2024-10-02T00:00"),
    ],
)
def test_an_export_of_no_clear_span_is_wrong_usage(desk: Desk, arguments: Sequence[str]) -> None:
    done = desk.export(*arguments)
    assert (done.status, done.out, done.err.count("\n")) == (2, "", 1)


durations = st.integers(0, 10 * SECOND) | st.integers(0, 36_525 * 86_400 * SECOND)
checks = st.builds(
    lambda at, outcome, duration, voice, speaks, cause: Check(
        at, outcome, duration, voice, speaks, None if outcome is Outcome.UP else cause
    ),
    st.integers(0, at("2999-01-01T00:00")),
    st.sampled_from(Outcome),
    durations,
    durations,
    st.booleans(),
    st.none() | st.sampled_from(["auth", 'a "quoted" cause', "ล่ม"]),
)


@given(checks)
def test_a_line_reads_as_the_check_that_it_was_written_from(one: Check) -> None:
    read = LineReader(["mail/t"], ZONE).read(line_of(CheckRow("mail/t", one), ZONE).encode())
    assert Check(read.at, read.outcome, read.duration, read.voice or 0, read.speaks, read.cause) == one


arriving = st.lists(
    st.tuples(
        st.sampled_from(["mail/s", "mail/t"]),
        st.integers(-3, 6),
        st.sampled_from([Outcome.UP, Outcome.UP, Outcome.DOWN, Outcome.DOWN, Outcome.UNKNOWN]),
        st.integers(0, 4),
        st.integers(1, 12),
    ),
    max_size=40,
)


@settings(deadline=None, max_examples=25)
@given(arriving, st.integers(0, 40), st.integers(-60, 60))
def test_whatever_was_recorded_is_replayed_from_its_export(
    facts: Sequence[tuple[str, int, Outcome, int, int]], stopped: int, offset: int
) -> None:
    """Around the end of a month, with a clock that now and then steps back and a daemon that stops once."""
    with TemporaryDirectory() as directory:
        desk = Desk(Path(directory))
        desk.configure("s", "t")
        now, arrivals = at("2024-10-31T23:59:30") + offset * SECOND, []
        for target, step, outcome, duration, voice in facts:
            now += step * SECOND + 1
            arrivals.append((target, replace(check(now, outcome, duration * SECOND), voice=voice * SECOND)))
        record(desk, arrivals[:stopped], now)
        record(desk, arrivals[stopped:], now)
        assert_replayed(desk, "2024-10", "2024-11", until=("--until", "2025-01-01T00:00"))
