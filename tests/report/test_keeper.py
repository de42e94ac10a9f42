"""At a closing the reports are written and somebody is told: once a revision, and again and again until it is done."""

import asyncio
import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog.testing

from monitor.closing import closings_of
from monitor.core.instants import SECOND, Instant
from monitor.ledger import Batch, Fact, Ledger, Reader
from monitor.report.keeper import REPORTED, TOLD, Keeper
from monitor.report.maker import Maker, NotMadeError
from monitor.report.process import Request
from monitor.settings import load
from tests.declare.office import Office

HOOK = "https://hooks.example.go.th/s3cr3t"


class Hands(Maker):
    """Makes a report at once, unless it is to fail."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[Request] = []
        self.failing: str | None = None

    async def make(self, request: Request) -> bytes:
        if self.failing:
            raise NotMadeError(self.failing)
        self.made.append(request)
        return f"{request.language} {request.format} {request.revision}".encode()


class Receiver:
    def __init__(self) -> None:
        self.problem: str | None = None
        self.tried = 0
        self.told: list[Mapping[str, Any]] = []

    async def tell(self, url: str, document: Mapping[str, Any]) -> str | None:
        assert url == HOOK
        self.tried += 1
        if self.problem is None:
            self.told.append(document)
        return self.problem


class Clockwork:
    """Time that the test lets pass."""

    def __init__(self, now: Instant) -> None:
        self.begin = now
        self.passed = 0.0

    def now(self) -> Instant:
        return self.begin + round(self.passed * SECOND)

    def monotonic(self) -> float:
        return self.passed

    def asleep(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self.passed += seconds


class Books:
    """What the keeper has of the bookkeeper: the newest closings, and facts that go straight into the ledger."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self.closings = closings_of(link.fact for link in office.facts("closing"))

    async def record(self, facts: list[Fact]) -> None:
        with Ledger(self._office.ledger) as ledger:
            ledger.commit(Batch(facts=facts))


class Yard:
    """A keeper over a closed November, whose report is to be written in two formats."""

    def __init__(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("REPORT_HOOK", HOOK)
        self.office = office
        self.directory = office.place / "reports"
        self.clock = Clockwork(office.now)
        self.hands, self.receiver, self.books = Hands(), Receiver(), Books(office)
        self.configure(webhook={"env": "REPORT_HOOK"})
        self.restart()

    def configure(self, **more: Any) -> None:
        section = {"directory": str(self.directory), "languages": ["th"], "formats": ["html", "json"], **more}
        self.office.write(report=section)
        self.settings = load(self.office.configuration)
        self.settings.load_secrets()

    def restart(self) -> None:
        with Reader.beside(self.office.ledger) as ledger:
            books: Any = self.books
            self.keeper = Keeper(
                self.clock, lambda: self.settings, books, ledger, teller=self.receiver.tell, maker=self.hands
            )

    def look(self, after: float = 0) -> None:
        self.clock.passed += after
        asyncio.run(self.keeper.look())

    @property
    def files(self) -> list[str]:
        return sorted(path.name for path in self.directory.iterdir()) if self.directory.exists() else []


@pytest.fixture
def yard(closed: Office, monkeypatch: pytest.MonkeyPatch) -> Yard:
    return Yard(closed, monkeypatch)


def test_each_format_is_written_and_the_webhook_told_with_the_digests_of_the_files(yard: Yard) -> None:
    yard.look()
    assert yard.files == ["report-2026-11-r2-th.html", "report-2026-11-r2-th.json"]
    (told,) = yard.receiver.told
    assert (told["month"], told["revision"]) == ("2026-11", 2)
    assert told["digest"] == yard.books.closings["2026-11"].digest
    assert told["files"] == [
        {"name": name, "sha256": hashlib.sha256((yard.directory / name).read_bytes()).hexdigest()}
        for name in yard.files
    ]
    (reported,) = yard.office.bodies(REPORTED)
    assert reported["files"] == {one["name"]: one["sha256"] for one in told["files"]}


def test_a_revision_is_written_and_told_once_also_after_a_restart(yard: Yard) -> None:
    yard.look()
    yard.look(15)
    yard.restart()
    yard.look(3600)
    assert len(yard.hands.made) == 2
    assert len(yard.receiver.told) == 1
    assert len(yard.office.bodies(TOLD)) == 1


def test_a_correction_adds_files_and_is_told(yard: Yard) -> None:
    yard.look()
    newer = replace(yard.books.closings["2026-11"], revision=3)
    yard.books.closings = {"2026-11": newer}
    yard.look(15)
    assert [name.split("-")[3] for name in yard.files] == ["r2", "r2", "r3", "r3"]
    assert [one["revision"] for one in yard.receiver.told] == [2, 3]


def test_a_webhook_that_does_not_take_it_is_told_again_and_nothing_is_made_anew(yard: Yard) -> None:
    yard.receiver.problem = "answered 503"
    with structlog.testing.capture_logs() as logs:
        yard.look()
        assert yard.keeper.waiting == 1
        yard.look(30)
        assert yard.receiver.tried == 1
        yard.look(31)
        yard.look(60)
        assert yard.receiver.tried == 2
        yard.look(61)
        assert yard.receiver.tried == 3
        yard.receiver.problem = None
        yard.look(3600)
    assert yard.keeper.waiting == 0
    assert len(yard.receiver.told) == 1
    assert len(yard.hands.made) == 2
    assert [one["problem"] for one in logs if one["event"] == "report.not_done"] == [
        "the webhook was not told: answered 503"
    ]
    assert "s3cr3t" not in str(logs)


def test_a_restart_before_the_webhook_was_told_tells_it_with_the_same_digests(yard: Yard) -> None:
    yard.receiver.problem = "no connection"
    yard.look()
    yard.receiver.problem = None
    yard.restart()
    yard.look()
    (told,) = yard.receiver.told
    (reported,) = yard.office.bodies(REPORTED)
    assert {one["name"]: one["sha256"] for one in told["files"]} == reported["files"]
    assert len(yard.hands.made) == 2


def test_what_cannot_be_made_is_said_once_and_tried_again(yard: Yard) -> None:
    yard.hands.failing = "PDF needs WeasyPrint"
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            yard.look(120)
    assert [one["problem"] for one in logs] == ["PDF needs WeasyPrint"]
    assert yard.files == []
    yard.hands.failing = None
    yard.look(3600)
    assert len(yard.files) == 2


def test_a_directory_that_cannot_be_written_is_said_and_tried_again(yard: Yard) -> None:
    yard.directory.write_text("in the way")
    with structlog.testing.capture_logs() as logs:
        yard.look()
    assert [one["problem"] for one in logs] == ["File exists"]
    yard.directory.unlink()
    yard.look(60)
    assert len(yard.files) == 2


def test_without_a_directory_nothing_is_written(yard: Yard) -> None:
    yard.office.write()
    yard.settings = load(yard.office.configuration)
    yard.look()
    assert (yard.hands.made, yard.receiver.told) == ([], [])
    assert yard.keeper.waiting is None


def test_a_service_named_in_the_file_has_a_report_of_its_own(yard: Yard) -> None:
    yard.configure(services=["mail"], formats=["html"])
    yard.look()
    assert yard.files == ["report-mail-2026-11-r2-th.html"]


def test_the_process_refuses_to_make_a_report_of_a_revision_that_is_not_on_record(
    closed: Office, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    asked = Request(str(closed.configuration), "2026-11", "th", "json", closed.now, revision=7)
    with pytest.raises(NotMadeError, match="revision 7 is not the newest on record: that is 2"):
        asyncio.run(Maker().make(asked))


def test_the_process_makes_what_the_command_makes(closed: Office) -> None:
    asked = Request(str(closed.configuration), "2026-11", "en", "json", closed.now, revision=2)
    made = asyncio.run(Maker().make(asked))
    assert json.loads(made) == closed.run("report", "--month", "2026-11", "--lang", "en", "--format", "json").document


def test_a_process_that_takes_too_long_is_killed(closed: Office, tmp_path: Path) -> None:
    asked = Request(str(closed.configuration), "2026-11", "en", "json", closed.now)
    with pytest.raises(NotMadeError, match="not made within 0 s"):
        asyncio.run(Maker(deadline=0.001).make(asked))
