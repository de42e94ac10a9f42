"""`mailuptime import tickets`: what a ticket system says, mapped; repeated it changes nothing, a bad row is named."""

import json
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from monitor.incidents.importing import FIELDS
from monitor.incidents.rows import UnreadableError, rows_of
from monitor.settings.mapping import Column, load_mapping
from tests.core.worked import ZONE, at
from tests.declare.office import Office
from tests.e2e.commands import Done

MAPPING = {
    "columns": {"id": "Ticket No", "kind": "Type", "priority": "Priority", "recorded": "Opened", "resolved": "Solved"},
    "values": {"kind": {"Service Request": "request", "Incident": "incident"}, "priority": {"1 - Critical": "P1"}},
    "defaults": {"channel": "email"},
    "times": {"format": "%d/%m/%Y %H:%M", "buddhist_era": "true"},
    "encoding": "cp874",
}
GOOD = (
    "Ticket No,Type,Priority,Opened,Solved\n"
    "T-1,Incident,1 - Critical,๑๐/๑๑/๒๕๖๙ 13:00,10/11/2569 15:00\n"
    "T-2,Service Request,low,10/11/2569 14:00,\n"
)


class Desk:
    """An office with a mapping and an export beside it."""

    def __init__(self, office: Office) -> None:
        self.office = office
        office.now = at("2026-11-20T12:00")
        self.mapping = self.write("mapping.json", json.dumps(MAPPING).encode())

    def write(self, name: str, data: bytes) -> Path:
        path = self.office.place / name
        path.write_bytes(data)
        return path

    def done(self, text: str, *more: str) -> Done:
        file = self.write("export.csv", text.encode("cp874"))
        return self.office.run("import", "tickets", str(file), "--mapping", str(self.mapping), "--by", "itsm", *more)

    @property
    def tickets(self) -> dict[str, Any]:
        incidents = self.office.act("incident", "list", "--month", "2026-11")["tickets"]
        requests = self.office.act("request", "list", "--month", "2026-11")["tickets"]
        return {one["id"]: one for one in (*incidents, *requests)}


@pytest.fixture
def desk(office: Office) -> Desk:
    return Desk(office)


def test_what_a_mapping_may_name_is_what_a_row_holds() -> None:
    assert get_args(Column) == FIELDS


def test_an_export_in_thai_with_its_own_words_and_years_is_recorded_and_judged(desk: Desk) -> None:
    done = desk.done(GOOD)
    assert (done.status, done.err, done.out) == (0, "", "2 recorded, 0 changed, 0 unchanged, 0 refused\n")
    incident = desk.tickets["T-1"]
    assert (incident["recorded"], incident["resolved"]) == ("2026-11-10T13:00:00+07:00", "2026-11-10T15:00:00+07:00")
    assert (incident["priority"], incident["source"], incident["by"]) == ("P1", "import", "itsm")
    assert [clock["outcome"] for clock in incident["clocks"]] == ["missed", "within"]  # nobody said it was answered


def test_repeated_it_changes_nothing(desk: Desk) -> None:
    desk.done(GOOD)
    before = desk.office.facts()
    assert desk.done(GOOD).out == "0 recorded, 0 changed, 2 unchanged, 0 refused\n"
    assert desk.office.facts() == before


def test_what_went_on_is_added_and_what_differs_is_a_correction(desk: Desk) -> None:
    desk.done(GOOD)
    later = GOOD.replace("10/11/2569 14:00,\n", "10/11/2569 14:00,11/11/2569 09:00\n").replace("15:00", "15:30")
    assert desk.done(later).out == "0 recorded, 2 changed, 0 unchanged, 0 refused\n"
    found = desk.tickets
    assert (found["T-1"]["resolved"], found["T-1"]["corrections"]) == ("2026-11-10T15:30:00+07:00", 1)
    assert (found["T-2"]["state"], found["T-2"]["corrections"]) == ("resolved", 0)


BAD = (
    ("T-3,Incident,P9,10/11/2569 14:00,", 'priority: unknown value "P9"; known: P1, P2, P3, P4'),
    ("T-3,Incident,P1,2026-11-10,", 'recorded: "2026-11-10" is not written as %d/%m/%Y %H:%M'),
    ("T-3,Incident,P1,10/11/2569 14:00,10/11/2569 13:00", "resolved is before recorded, 2026-11-10T14:00:00+07:00"),
    ("T-3,Incident,P1,10/11/2570 14:00,", "recorded: 2027-11-10T14:00:00+07:00 has not come yet"),
    ("T-3,Incident,P1,,", "recorded is required"),
    (",Incident,P1,10/11/2569 14:00,", "id is required"),
    ("T-1,Incident,P1,10/11/2569 14:00,", "id T-1 stands in row 2 already"),
    ("T-3,Incident,P1,10/11/2569 14:00,,too,much", "more cells than there are columns"),
)


@pytest.mark.parametrize(("line", "problem"), BAD, ids=[problem[:30] for _, problem in BAD])
def test_with_a_bad_row_none_is_kept_or_the_others_are(desk: Desk, line: str, problem: str) -> None:
    none = desk.done(f"{GOOD}{line}\n")
    assert (none.status, none.out) == (65, "2 recorded, 0 changed, 0 unchanged, 1 refused; nothing was kept\n")
    assert none.err == f"{desk.office.place / 'export.csv'}: row 4: {problem}\n"
    assert desk.office.facts("ticket_opened") == []
    some = desk.done(f"{GOOD}{line}\n", "--partial")
    assert (some.status, some.out) == (65, "2 recorded, 0 changed, 0 unchanged, 1 refused\n")
    assert list(desk.tickets) == ["T-1", "T-2"]


def test_a_dry_run_keeps_nothing(desk: Desk) -> None:
    assert desk.done(GOOD, "--dry-run").out.endswith("(dry run: nothing was kept)\n")
    assert desk.office.facts("ticket_opened") == []


def test_json_with_keys_in_keys(desk: Desk) -> None:
    mapping = {"columns": {"id": "key", "priority": "fields.priority.name", "recorded": "fields.created"}}
    issue = {"key": "M-1", "fields": {"priority": {"name": "p2"}, "created": "2026-11-10T14:00:00+07:00"}}
    file = desk.write("issues.json", json.dumps({"total": 1, "issues": [issue]}).encode())
    other = desk.write("other.json", json.dumps(mapping).encode())
    done = desk.office.run("import", "tickets", str(file), "--mapping", str(other), "--by", "itsm")
    assert (done.status, done.err) == (0, "")
    assert desk.tickets["M-1"]["priority"] == "P2"


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("export.csv", b"Number,Type\n1,2\n", 'there is no column "Ticket No"; there are: Number, Type'),
        ("export.csv", b'Ticket No,Type,Priority,Opened,Solved\n"T-1,Incident\n', "not CSV: unexpected end of data"),
        ("export.json", b"{", "not JSON: Expecting property name"),
        ("export.json", b"3", "a list of objects is expected"),
    ],
)
def test_a_file_that_is_none_is_refused_in_one_line(desk: Desk, name: str, data: bytes, words: str) -> None:
    file = desk.write(name, data)
    done = desk.office.run("import", "tickets", str(file), "--mapping", str(desk.mapping))
    assert (done.status, done.err.count("\n")) == (65, 1)
    assert words in done.err


def test_a_mapping_with_a_mistake_says_where(desk: Desk) -> None:
    desk.mapping.write_text('columns: {ident: "Ticket No"}\n', encoding="utf-8")
    done = desk.done(GOOD)
    assert done.status == 65
    assert done.err.startswith(f"{desk.mapping}:1:11: columns.ident: unknown key; known: agency, channel, closed,")


def test_a_year_of_tickets_is_imported_and_verified(desk: Desk) -> None:
    """More than one request holds, in months that are closed by it."""
    desk.office.now = at("2027-03-01T12:00")
    days = [f"{1 + number % 28:02}/12/2569" for number in range(1500)]
    rows = [f"T-{number},Incident,1 - Critical,{day} 14:00,{day} 15:00" for number, day in enumerate(days)]
    done = desk.done("Ticket No,Type,Priority,Opened,Solved\n" + "\n".join(rows))
    assert (done.err, done.out) == ("", "1500 recorded, 0 changed, 0 unchanged, 0 refused\n")
    assert desk.office.figures("2026-12")["tickets"]["resolutions"]["within"] == 1500
    assert desk.office.run("verify").status == 0


CELLS = some.text(some.sampled_from('id,"\n;\r\0 T-1é๒'), max_size=40)
JSON = some.recursive(some.none() | some.booleans() | some.integers() | some.text(max_size=5), some.lists)
BYTES = some.binary(max_size=60) | CELLS.map(str.encode) | JSON.map(lambda value: json.dumps(value).encode())


@settings(deadline=None, max_examples=150)
@given(some.sampled_from([".csv", ".json", ".jsonl"]), BYTES)
def test_whatever_a_file_holds_it_is_rows_or_refused_in_one_line(suffix: str, data: bytes) -> None:
    with TemporaryDirectory() as place:
        file = Path(place) / f"export{suffix}"
        file.write_bytes(b"id,recorded\n" + data if suffix == ".csv" else data)
        with suppress(UnreadableError):
            for row in rows_of(file, load_mapping(None, ZONE)):
                json.dumps(row.document()).encode()
