"""Pictures of failed checks are kept beside the ledger, few for each outage and few in all."""

from pathlib import Path

import pytest

from monitor import attachments
from monitor.attachments import PER_OUTAGE, Attachments
from monitor.clock import SystemClock
from monitor.core.check import Check, Outcome
from monitor.core.instants import SECOND
from monitor.core.timeline import Timeline
from monitor.ledger import Ledger
from monitor.ledger.writer import Writer
from monitor.live import Live
from monitor.recorder import Arrival, Recorder
from monitor.runner import Result, Target
from probes.base import Evidence
from tests.ledger.accounts import START, VOICE, book
from tests.shell.fleet import IdleProbe
from tests.shell.test_recording import IMAP

PICTURE = b"\x89PNG\r\n"


def failed(number: int, outcome: Outcome = Outcome.DOWN, /, **files: bytes) -> Result:
    cause = None if outcome is Outcome.UP else "content"
    check = Check(START + number * SECOND, outcome, 0, VOICE, cause=cause)
    target = Target(IMAP, "imap", IdleProbe(), 15 * SECOND, VOICE)
    evidence = Evidence(attachments={f"{name}.png": data for name, data in files.items()})
    return Result(target, check, 0.0, (), None, evidence, "", pulse=False)


def test_an_outage_keeps_its_first_pictures_and_the_next_outage_its_own(tmp_path: Path) -> None:
    kept = Attachments(tmp_path / "evidence")
    first = [path for number in range(10) for path in kept.take(failed(number, screenshot=PICTURE))]
    kept.take(failed(10, Outcome.UP))
    second = kept.take(failed(11, screenshot=PICTURE))
    kept.write()
    assert (len(first), len(second)) == (PER_OUTAGE, 1)
    assert sorted(first + second) == sorted(f"evidence/{path.name}" for path in (tmp_path / "evidence").iterdir())
    assert {(tmp_path / path).stat().st_mode & 0o777 for path in first} == {0o600}


def test_only_the_newest_pictures_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "MOST_FILES", 2)
    kept = Attachments(tmp_path / "evidence")
    taken = [path for number in range(PER_OUTAGE) for path in kept.take(failed(number, screenshot=PICTURE))]
    kept.write()
    assert sorted(f"evidence/{path.name}" for path in (tmp_path / "evidence").iterdir()) == taken[-2:]


def test_what_is_too_large_or_named_oddly_is_not_kept(tmp_path: Path) -> None:
    kept = Attachments(tmp_path / "evidence")
    assert kept.take(failed(0, screenshot=b"x" * (attachments.MOST_BYTES + 1))) == []
    assert kept.take(failed(1, Outcome.DOWN, **{"../../escaped": PICTURE})) == []
    assert not kept.waiting


def test_a_place_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "evidence").write_text("in the way")
    kept = Attachments(tmp_path / "evidence")
    kept.take(failed(0, screenshot=PICTURE))
    kept.write()
    assert not kept.waiting


async def test_the_ledger_says_where_the_picture_of_a_failure_is(tmp_path: Path) -> None:
    writer = Writer(Ledger(tmp_path / "ledger.db"))
    recorder = Recorder(SystemClock(), book(), writer, lambda: None, Attachments(tmp_path / "evidence"))
    result = failed(0, screenshot=PICTURE)
    recorder.put(Arrival(Live(result.target, Timeline(3, 2)), result))
    await recorder.drain()
    writer.close()
    with Ledger(tmp_path / "ledger.db") as again:
        [row] = again.checks(START, START + 1)
    assert row.evidence is not None
    [path] = row.evidence["attachments"]
    assert (tmp_path / path).read_bytes() == PICTURE
