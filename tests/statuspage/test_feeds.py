"""What programs read of the page: the feed, the calendar, badges and JSON, by readers that are not ours."""

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import icalendar
import pytest
from aiohttp import ClientSession

from monitor.core.instants import HOUR
from monitor.core.maintenance import Amendment, Window
from monitor.core.recurrence import Recurrence
from monitor.statuspage.schedule import escaped, folded
from monitor.texts import LANGUAGES
from tests.statuspage.scenes import BROKEN, HEAD, NOW, STORY, ZONE, Outage, Site, at, served

ATOM = "{http://www.w3.org/2005/Atom}"
SVG = "{http://www.w3.org/2000/svg}"


async def read(visitor: ClientSession, site: Site, path: str) -> bytes:
    async with visitor.get(f"{site.url}/{path}") as answer:
        assert answer.status == 200, path
        return await answer.read()


def events_of(body: bytes) -> list[Any]:
    """What another program reads, which has nothing to complain about."""
    calendar: Any = icalendar.Calendar.from_ical(body)
    events = calendar.walk("VEVENT")
    assert [one.errors for one in (calendar, *events)] == [[]] * (1 + len(events))
    return list(events)


def amended(cut: int, end: int) -> Window:
    window = Window(
        "CHG-10", (), at("2026-12-01T01:00"), at("2026-12-01T05:00"), "x", "ops", declared=at("2026-11-20T09:00")
    )
    return replace(window, amendments=(Amendment(cut, end),))


async def test_the_feed_has_what_rfc_4287_asks_for(broken: Site, visitor: ClientSession) -> None:
    for path in ("en/feed.atom", "th/feed.atom", "en/services/mailgothai/feed.atom"):
        feed = ET.fromstring(await read(visitor, broken, path))
        for one in (feed, *feed.iter(f"{ATOM}entry")):
            assert UUID(required(one, "id").removeprefix("urn:uuid:"))
            assert datetime.fromisoformat(required(one, "updated")).tzinfo is not None
            assert required(one, "title").strip()
            assert [link.get("rel") for link in one.findall(f"{ATOM}link")].count("alternate") == 1
        assert feed.find(f"{ATOM}author/{ATOM}name") is not None
        ids = [required(one, "id") for one in feed.iter(f"{ATOM}entry")]
        assert len(ids) == len(set(ids)) == 6  # four outages, maintenance ahead, and what is past


async def test_an_outages_entry_stays_the_same_and_is_renewed_when_it_ends(
    tmp_path: Path, visitor: ClientSession
) -> None:
    ended = Outage("mailgothai/imap", at("13:02:31"), at("13:12:31"))
    running: list[ET.Element] = []
    over: list[ET.Element] = []
    for scene, found in ((BROKEN, running), (replace(BROKEN, outages=[*STORY.outages, ended]), over)):
        async with served(scene, tmp_path) as site:
            feed = ET.fromstring(await read(visitor, site, "en/feed.atom"))
            found += [one for one in feed.iter(f"{ATOM}entry") if "2026-11-26" in required(one, "published")]
    (before,), (after,) = running, over
    assert required(before, "id") == required(after, "id")
    assert required(before, "title") == "MailGoThai: not available since 26\u00a0Nov\u00a02026\u00a013:02"
    assert required(after, "title") == "MailGoThai: available again after 10\u00a0min"
    assert required(before, "updated") < required(after, "updated")


async def test_links_start_at_the_pages_public_address(tmp_path: Path, visitor: ClientSession) -> None:
    scene = replace(BROKEN, status={"url": "https://status.example.go.th/mail/"})
    async with served(scene, tmp_path) as site:
        feed = ET.fromstring(await read(visitor, site, "th/services/mailgothai/feed.atom"))
    links = {link.get("href", "") for link in feed.iter(f"{ATOM}link")}
    assert {link.partition("#")[0] for link in links} == {
        f"https://status.example.go.th/mail/th/{path}"
        for path in ("services/mailgothai/feed.atom", "services/mailgothai", "maintenance")
    }


async def test_another_program_reads_the_calendar(broken: Site, visitor: ClientSession) -> None:
    for path in ("en/maintenance.ics", "th/services/mailgothai/maintenance.ics"):
        body = await read(visitor, broken, path)
        assert all(len(line) <= 75 for line in body.split(b"\r\n"))
        assert b"\n" not in body.replace(b"\r\n", b"")
        first, second = events_of(body)
        assert (first.start, first.end) == (
            datetime(2026, 10, 14, 19, tzinfo=UTC),
            datetime(2026, 10, 14, 21, tzinfo=UTC),
        )
        assert str(second["DESCRIPTION"]) == "ปรับปรุงระบบจัดเก็บข้อมูล"
        assert (str(second["STATUS"]), int(second["SEQUENCE"])) == ("CONFIRMED", 0)
        assert second["DTSTAMP"].dt == datetime(2026, 11, 20, 2, tzinfo=UTC)


async def test_a_window_that_is_shortened_or_cancelled_says_so(tmp_path: Path, visitor: ClientSession) -> None:
    found = {}
    for name, window in {
        "planned": amended(0, 2**60),
        "shortened": amended(NOW - HOUR, at("2026-12-01T03:00")),
        "cancelled": amended(NOW - HOUR, NOW - HOUR),
    }.items():
        async with served(replace(STORY, windows=[window]), tmp_path) as site:
            (found[name],) = events_of(await read(visitor, site, "en/maintenance.ics"))
            page = (await read(visitor, site, "en/maintenance")).decode()
            assert ("cancelled" in page) == (name == "cancelled")
            assert ("planned until" in page) == (name == "shortened")
    assert len({str(event["UID"]) for event in found.values()}) == 1
    assert [str(event["STATUS"]) for event in found.values()] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]
    assert found["shortened"].end - found["shortened"].start == timedelta(hours=2)


async def test_each_time_that_maintenance_recurs_is_an_event(tmp_path: Path, visitor: ClientSession) -> None:
    start = at("2026-11-01T02:00")
    recurrence = Recurrence("FREQ=MONTHLY;BYDAY=1SU", start, ZONE, HOUR)
    window = Window("PATCH", (), start, start + HOUR, "patching", "ops", recurrence, declared=at("2026-10-01T00:00"))
    async with served(replace(STORY, windows=[window]), tmp_path) as site:
        events = events_of(await read(visitor, site, "en/maintenance.ics"))
    starts = [event.start.astimezone(ZONE) for event in events]
    assert len(starts) == len({str(event["UID"]) for event in events}) == 13
    assert all((one.weekday(), one.day <= 7, one.hour) == (6, True, 2) for one in starts)


async def test_the_feed_is_xml_whatever_stands_in_a_reason(visitor: ClientSession, tmp_path: Path) -> None:
    start = NOW + 24 * HOUR
    window = Window("CHG-11", (), start, start + HOUR, "ย้าย\x0b\x1b[31m & <b>\x00", "ops", declared=NOW - HOUR)
    async with served(replace(STORY, windows=[window]), tmp_path) as site:
        feed = ET.fromstring(await read(visitor, site, "en/feed.atom"))
    assert "ย้าย[31m & <b>" in [required(one, "summary") for one in feed.iter(f"{ATOM}entry")]


@pytest.mark.parametrize(
    ("text", "written"),
    [("a,b;c\\d", "a\\,b\\;c\\\\d"), ("two\r\nlines\n", "two\\nlines\\n"), ("\x07bell\x00", "bell"), ("ไทย", "ไทย")],
)
def test_calendar_text_is_escaped(text: str, written: str) -> None:
    assert escaped(text) == written


@pytest.mark.parametrize("char", ["x", "é", "ก", "😀"])
def test_calendar_lines_are_folded_between_characters(char: str) -> None:
    for length in range(200):
        line = "SUMMARY:" + char * length
        lines = folded(line).split("\r\n")
        assert all(len(one.encode()) <= 75 for one in lines)
        assert "".join([lines[0], *(one.removeprefix(" ") for one in lines[1:])]) == line


@pytest.mark.parametrize("language", LANGUAGES)
async def test_badges_say_in_words_what_they_show(broken: Site, visitor: ClientSession, language: str) -> None:
    state = ET.fromstring(await read(visitor, broken, f"{language}/services/mailgothai/state.svg"))
    month = ET.fromstring(await read(visitor, broken, f"{language}/services/mailgothai/availability.svg"))
    said = {
        "en": ("MailGoThai: Not available", "MailGoThai: 99.758\u00a0% · kept so far"),
        "th": ("เมลกลางภาครัฐ: ใช้งานไม่ได้", "เมลกลางภาครัฐ: 99.758\u00a0% · ถึงขณะนี้เป็นไปตามข้อตกลง"),
    }[language]
    assert tuple(badge.get("aria-label") for badge in (state, month)) == said
    assert tuple(required(badge, "title", SVG) for badge in (state, month)) == said


async def test_the_figures_of_the_json_are_exact_and_add_up(broken: Site, visitor: ClientSession) -> None:
    status = json.loads(await read(visitor, broken, "status.json"))
    assert (status["state"], status["head"], status["at"]) == ("down", HEAD, "2026-11-26T14:30:05+07:00")
    (present,) = status["services"]
    one = json.loads(await read(visitor, broken, "services/mailgothai.json"))
    assert one["month"] == present["month"] == one["months"][0]
    assert one["month"]["downtime_seconds"] == 16 * 60 + 45 + 5254  # 10 November, and since 13:02:31
    of_november = [day for day in one["days"] if day["day"].startswith("2026-11")]
    for key in ("elapsed", "downtime", "excused", "unknown"):
        assert sum(day[f"{key}_seconds"] for day in of_november) == one["month"][f"{key}_seconds"], key
    assert len(one["days"]) == 90
    running = one["outages"][0]
    assert (running["id"], running["ongoing"], running["seconds"]) == (present["outage"], True, 5254)
    assert [outage["cause"] for outage in one["outages"]] == ["timeout", "connect_refused", "disconnected", "timeout"]
    assert one["maintenance"] == status["maintenance"]


def required(element: ET.Element, name: str, space: str = ATOM) -> str:
    found = element.find(f"{space}{name}")
    assert found is not None, name
    return found.text or ""
