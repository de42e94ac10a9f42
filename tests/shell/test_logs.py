"""What is written to the log: in which form, how much of each subsystem, and never a line that a server made."""

import ast
import io
import json
import logging
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from monitor import logs
from monitor.journal import Journal, reads_along
from monitor.logs import SUBSYSTEMS, configure, levels
from monitor.settings.sections import LogSettings

ROOT = Path(__file__).parents[2]
HOSTILE = '220 mx\r\n{"event":"forged"}\n\x1b[2J\x1b]0;title\x07 \u2028 \u2029 \x85 \x9b31m \u202eevil\u2066 \x00 end'
ALONE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class Said:
    def __init__(self, captured: pytest.CaptureFixture[str]) -> None:
        self._captured = captured
        self._text = ""

    def getvalue(self) -> str:
        """All that was written to standard error so far."""
        self._text += self._captured.readouterr().err
        return self._text


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Iterator[Said]:
    """Standard error; afterwards logs are as they were."""
    before, level = logging.root.handlers[:], logging.root.level
    yield Said(capsys)
    configure(LogSettings(), "json")  # closes the journal
    logging.root.handlers[:] = before
    logging.root.setLevel(level)
    structlog.reset_defaults()


def test_every_subsystem_that_logs_has_a_level_and_the_other_way_round() -> None:
    found = set()
    for path in (*(ROOT / "monitor").rglob("*.py"), *(ROOT / "probes").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("get_logger"):
                found.add(ast.literal_eval(node.args[0]))
    assert found == set(SUBSYSTEMS)


@pytest.mark.parametrize("form", ["json", "console"])
def test_what_a_server_sends_is_one_line_and_moves_no_cursor(form: str, said: Said) -> None:
    configure(LogSettings(format=form))
    structlog.get_logger("recorder").info("seen", reply=HOSTILE, deep={"a": [HOSTILE], HOSTILE: 1}, path=Path(HOSTILE))
    text = said.getvalue()
    assert text.endswith("\n")
    assert ALONE.findall(text[:-1]) == []
    assert "forged" in text
    if form == "json":
        assert json.loads(text)["event"] == "seen"


def test_a_library_is_put_into_the_same_form_without_an_exceptions_text(said: Said) -> None:
    configure(LogSettings(format="json"))
    try:
        int("a-secret-in-an-exception")
    except ValueError:
        logging.getLogger("somebody").exception("it failed: %s", "why\nforged")
    line = json.loads(said.getvalue())
    assert (line["logger"], line["message"], line["error"]) == ("somebody", "it failed: why", "ValueError")
    assert line["where"].endswith(".py:" + line["where"].rpartition(":")[2])
    assert "a-secret" not in said.getvalue()


def test_each_subsystem_has_a_level_of_its_own_that_can_be_changed(said: Said) -> None:
    configure(LogSettings(level="warning", levels={"recorder": "debug"}, format="json"))
    recorder, web = structlog.get_logger("recorder"), structlog.get_logger("web")
    for log in (recorder, web):
        log.debug("fine")
        log.warning("coarse")
    levels.set("web", "debug")
    levels.set("recorder", "error")
    for log in (recorder, web):
        log.debug("finer")
    seen = [(line["subsystem"], line["event"]) for line in map(json.loads, said.getvalue().splitlines())]
    assert seen == [("recorder", "fine"), ("recorder", "coarse"), ("web", "coarse"), ("web", "finer")]
    for wrong in (("webb", "debug"), ("web", "loud")):
        with pytest.raises(ValueError, match="known"):
            levels.set(*wrong)


def fields(datagram: bytes) -> dict[str, str]:
    """As the journal reads them, for values of one line."""
    return dict(line.split("=", 1) for line in datagram.decode().splitlines())


def test_the_journal_gets_fields_to_search_by_and_the_whole_event_as_json(said: Said, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(path))
        configure(LogSettings(format="journal"), journal=path)
        log = structlog.get_logger("recorder")
        log.warning(
            "target.state_changed", target="mail/imap", outage="mail-20261126T000000Z", reply=HOSTILE, seconds=1
        )
        got = fields(journal.recv(65536))
    message = json.loads(got.pop("MESSAGE"))
    assert got == {
        "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": "mailuptime",
        "MAILUPTIME_EVENT": "target.state_changed",
        "MAILUPTIME_SUBSYSTEM": "recorder",
        "MAILUPTIME_TARGET": "mail/imap",
        "MAILUPTIME_OUTAGE": "mail-20261126T000000Z",
    }
    assert message["seconds"] == 1
    assert said.getvalue() == ""


def test_what_the_journal_does_not_take_goes_to_standard_error_with_its_priority(tmp_path: Path) -> None:
    stream = io.StringIO()
    journal = Journal(tmp_path / "nobody", stream)
    journal.write("error", '{"event":"x"}', {"event": "x"})
    journal.close()
    assert stream.getvalue() == '<3>{"event":"x"}\n'


def test_a_value_of_several_lines_makes_no_field_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(path))
        writing = Journal(path)
        writing.write("info", "text", {"target": "a\nPRIORITY=0"})
        writing.close()
        datagram = journal.recv(65536)
    assert datagram.count(b"PRIORITY=") == 2
    assert b"MAILUPTIME_TARGET\n" + (12).to_bytes(8, "little") + b"a\nPRIORITY=0\n" in datagram


def test_systemd_says_whether_the_journal_reads_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "stream").open("w") as stream:
        monkeypatch.delenv("JOURNAL_STREAM", raising=False)
        assert not reads_along(stream)
        status = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        assert reads_along(stream)
        monkeypatch.setenv("JOURNAL_STREAM", "1:2")
        assert not reads_along(stream)
    assert not reads_along(stream)  # closed
    assert logs.LEVELS["debug"] < logs.LEVELS["error"]
