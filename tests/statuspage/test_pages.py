"""What readers see, over HTTP, of scripted checks in a real book."""

import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from urllib.parse import quote

import pytest
from aiohttp import ClientSession
from yarl import URL

from monitor.core.maintenance import Window
from monitor.pages.answers import Answer
from monitor.statuspage import server
from monitor.statuspage.server import Kept
from monitor.statuspage.view import Beat
from monitor.texts import LANGUAGES
from monitor.web.access import terms_of
from tests.statuspage.scenes import (
    BROKEN,
    HEAD,
    HOST,
    MAINTAINED,
    NOW,
    REPLY,
    STORY,
    Outage,
    Scene,
    Site,
    at,
    fleet,
    served,
)
from tests.web.place import ALICE, Place

PAGES = ("", "history", "maintenance", "services/mailgothai", "services/nobody")
FILES = (
    "feed.atom",
    "maintenance.ics",
    "services/mailgothai/feed.atom",
    "services/mailgothai/maintenance.ics",
    "services/mailgothai/state.svg",
    "services/mailgothai/availability.svg",
)
DOCUMENTS = ("status.json", "services/mailgothai.json")
EVERYTHING = [*(f"{language}/{path}" for language in LANGUAGES for path in (*PAGES, *FILES)), *DOCUMENTS]


async def text(visitor: ClientSession, site: Site, path: str) -> str:
    """What a page says, without its markup."""
    async with visitor.get(URL(f"{site.url}/{path}", encoded=True)) as answer:
        page = re.sub(r"<head>.*?</head>", "", await answer.text(), flags=re.DOTALL)
    words = unescape(re.sub(r"<[^>]+>", " ", page)).replace("\u00a0", " ").split()
    return re.sub(r" ([:,.])", r"\1", " ".join(words))


async def test_an_outage_that_runs_is_told_with_its_age_its_cause_and_what_is_left(
    broken: Site, visitor: ClientSession
) -> None:
    page = await text(visitor, broken, "en/")
    assert "The service is not available As of 26 Nov 2026 14:30" in page
    assert "MailGoThai Not available Since 26 Nov 2026 13:02, for 1 h 27 min" in page
    assert "Reading mail (IMAP): The server did not answer in time" in page
    assert "99.758 % · 111 min 41 s left of 216 min · kept so far" in page
    assert HEAD in page
    thai = await text(visitor, broken, "th/")
    assert "ไม่สามารถใช้งานบริการได้ ข้อมูล ณ 26 พ.ย. 2569 14.30 น." in thai
    assert "เมลกลางภาครัฐ ใช้งานไม่ได้ ตั้งแต่ 26 พ.ย. 2569 13.02 น. เป็นเวลา 1 ชม. 27 นาที" in thai
    assert "การอ่านจดหมาย (IMAP): เครื่องแม่ข่ายไม่ตอบภายในเวลาที่กำหนด" in thai
    assert "คงเหลือ 111 นาที 41 วินาที จาก 216 นาที" in thai


async def test_a_service_is_told_with_bounds_months_days_and_outages(broken: Site, visitor: ClientSession) -> None:
    page = await text(visitor, broken, "en/services/mailgothai")
    assert "True value between 99.753 % and 99.759 %" in page
    assert "at least 99.5 %, and at most 216 min" in page
    assert "20 Oct 2026 0 min 0 min 420 min" in page  # nobody looked
    assert "15 Oct 2026 20 min 20 min 0 min" in page  # excused
    assert "Oct 2026 100.000 % 99.059 % and 100.000 % 0 min 20 min 99.059 % undecided not yet closed" in page
    assert "Sep 2026 99.907 % 99.905 % and 99.908 % 40 min 0 min 100.000 % kept" in page
    assert "2 Sep 2026 03:00 2 Sep 2026 03:40 40 min between 39 min 44 s and 41 min 01 s" in page
    assert "5 Dec 2026 01:00 – 03:00" in page


async def test_maintenance_is_not_called_an_outage(tmp_path: Path, visitor: ClientSession) -> None:
    async with served(MAINTAINED, tmp_path) as site:
        page = await text(visitor, site, "en/")
        assert "Maintenance is under way" in page
        assert "Not available" not in page.partition("Services")[0]
        assert "Maintenance is under way until 26 Nov 2026 16:00: new disks" in await text(
            visitor, site, "en/services/mailgothai"
        )
        listed = await text(visitor, site, "en/maintenance")
    assert listed.index("Under way") < listed.index("new disks") < listed.index("Planned")
    assert listed.index("The last 90 days") < listed.index("15 Oct 2026 02:00 – 04:00")


async def test_where_nobody_looks_nothing_is_said_to_be_well(tmp_path: Path, visitor: ClientSession) -> None:
    unseen = replace(STORY, silent=[("mailgothai/imap", at("12:00"), NOW + 1)])
    async with served(unseen, tmp_path) as site:
        assert "Whether the service is available is not known" in await text(visitor, site, "en/")


async def test_a_monitor_that_has_fallen_silent_is_not_believed_any_more(
    tmp_path: Path, visitor: ClientSession
) -> None:
    async with served(STORY, tmp_path) as site:
        assert "The service is available" in await text(visitor, site, "en/")
        site.clock.passed += 16
        page = await text(visitor, site, "en/")
        assert "The service is available" not in page
        assert "The monitor has said nothing since 26 Nov 2026 14:30:05" in page
        site.board.take(Beat(NOW, HEAD))
        assert "The service is available" in await text(visitor, site, "en/")


@pytest.mark.parametrize("path", EVERYTHING)
async def test_nothing_tells_an_attacker_where_to_go(broken: Site, visitor: ClientSession, path: str) -> None:
    async with visitor.get(f"{broken.url}/{path}") as answer:
        page = await answer.text()
        headers = dict(answer.headers)
    assert headers["Server"] == "mailuptime"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    for secret in (HOST, REPLY, "mailgothai/imap", "mailgothai/smtp", "127.0.0.1"):
        assert secret not in page, secret
    assert "<script" not in page
    assert " style=" not in page


async def test_what_may_be_shown_is_shown_and_does_no_harm(tmp_path: Path, visitor: ClientSession) -> None:
    scene = replace(BROKEN, status={"details": True})
    async with served(scene, tmp_path) as site:
        page = await text(visitor, site, "en/services/mailgothai")
    assert f"Reading mail (IMAP) mailgothai/imap {HOST}: Not available" in page
    assert f"The server says: {REPLY}" in page


async def test_words_of_people_do_no_harm(tmp_path: Path, visitor: ClientSession) -> None:
    evil = "</strong><script>alert(1)</script>\"'&\r\nX: y"
    window = Window("W", (), at("14:00"), at("16:00"), evil, "ops", declared=at("2026-11-20T09:00"))
    scene = replace(BROKEN, windows=[window], titles={"mailgothai": (evil, evil)}, status={"title": {"en": evil}})
    async with served(scene, tmp_path) as site:
        for path in EVERYTHING:
            async with visitor.get(f"{site.url}/{path}") as answer:
                page = await answer.text()
            assert "<script" not in page or path.endswith((".json", ".ics")), path
            shown = not path.endswith((".json", ".ics", "nobody", "maintenance"))
            assert "&lt;script&gt;" in page or not shown, path
            assert "X" not in answer.headers


async def test_of_many_services_the_broken_ones_stand_first_and_any_can_be_found(
    tmp_path: Path, visitor: ClientSession
) -> None:
    async with served(fleet(), tmp_path) as site:
        page = await text(visitor, site, "en/")
        assert "2 of 320 services are not available" in page
        first = page.partition("320 of 320 services")[2]
        assert first.index("Canals Centre") < first.index("Rowing Boats Institute")
        assert "Page 1 of 8" in page
        last = await text(visitor, site, "en/?page=8")
        assert "Page 8 of 8" in last
        assert last == await text(visitor, site, "en/?page=9999")
        found = await text(visitor, site, "en/?q=+rowing++BOATS")
        assert "8 of 320 services Rowing Boats Institute Available" in found
        assert "สถาบันเรือพาย" in await text(visitor, site, f"th/?q={quote('เรือพาย')}")
        assert "2 of 320 services" in await text(visitor, site, "en/?state=down")
        assert "No service matches" in await text(visitor, site, "en/?q=nowhere&state=nonsense")


async def test_the_history_can_be_narrowed_down(broken: Site, visitor: ClientSession) -> None:
    whole = await text(visitor, broken, "en/history")
    assert whole.count("mailgothai-2026") == 4
    assert "26 Nov 2026 13:02 still going on 87 min 34 s" in whole
    october = await text(visitor, broken, "en/history?month=2026-10&service=mailgothai")
    assert october.count("mailgothai-2026") == 1
    assert "counted 0 min, excused 20 min" in october
    assert "No outage in this time." in await text(visitor, broken, "en/history?month=2026-01")


async def test_a_service_that_is_not_there_is_a_page_that_helps(broken: Site, visitor: ClientSession) -> None:
    async with visitor.get(f"{broken.url}/th/services/mailgotai") as answer:
        assert (answer.status, answer.content_type) == (404, "text/html")
        page = await answer.text()
    assert "ไม่มีบริการชื่อ “mailgotai” ในหน้านี้" in page
    assert '<a href="../../th/services/mailgothai">เมลกลางภาครัฐ</a>' in page
    for path in ("nothing", "en/nothing/at/all", "en/services/%3Cscript%3E", "services/nobody.json", "%00"):
        async with visitor.get(URL(f"{broken.url}/{path}", encoded=True)) as answer:
            assert answer.status == 404, path
            assert "<script" not in await answer.text()
    async with visitor.post(f"{broken.url}/en/") as answer:
        assert answer.status in {403, 405}


async def test_hidden_services_are_nowhere(tmp_path: Path, visitor: ClientSession) -> None:
    titles = {"mailgothai": ("เมลกลางภาครัฐ", "MailGoThai"), "cluster-north": ("กลุ่มเหนือ", "Northern cluster")}
    window = Window("W", ("cluster-north/imap",), at("14:00"), at("16:00"), "north", "ops", declared=at("13:00"))
    outages = [Outage("cluster-north/imap", at("13:00"))]
    scene = Scene(titles, outages, windows=[window], status={"hide": ["cluster-north"]})
    async with served(scene, tmp_path) as site:
        for path in EVERYTHING:
            page = await text(visitor, site, path)
            assert "north" not in page.casefold(), path
        assert (await visitor.get(f"{site.url}/en/services/cluster-north")).status == 404


@pytest.mark.parametrize(("accept", "language"), [("en-GB,en;q=0.9", "en"), ("th", "th"), ("de", "th")])
async def test_who_says_no_language_in_the_address_is_led_to_his_own(
    broken: Site, visitor: ClientSession, accept: str, language: str
) -> None:
    async with visitor.get(broken.url, headers={"Accept-Language": accept}, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (302, f"{language}/")
        assert answer.headers["Vary"] == "Accept-Language"


async def test_a_page_is_made_once_and_sent_to_who_has_it_no_more(broken: Site, visitor: ClientSession) -> None:
    first = await visitor.get(f"{broken.url}/en/")
    again = await visitor.get(f"{broken.url}/en/", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, await again.read()) == (304, b"")
    assert first.headers["Cache-Control"] == "public, max-age=5"
    broken.board.take(Beat(NOW + 60 * 10**6, HEAD))
    later = await visitor.get(f"{broken.url}/en/", headers={"If-None-Match": first.headers["ETag"]})
    assert later.status == 200
    assert "14:31" in await later.text()


async def test_a_page_that_renews_itself_does_so_because_its_reader_asked(broken: Site, visitor: ClientSession) -> None:
    assert "Refresh" not in (await visitor.get(f"{broken.url}/en/")).headers
    asked = await visitor.get(f"{broken.url}/en/?refresh=60")
    assert asked.headers["Refresh"] == "60"
    assert "Stop renewing this page" in await asked.text()


async def test_a_page_for_users_is_shown_to_them_alone_and_kept_by_no_cache(
    tmp_path: Path, visitor: ClientSession
) -> None:
    place = Place(tmp_path)
    file = place.web(basic_auth_users=place.users)
    async with served(BROKEN, tmp_path, terms_of(file)) as site:
        refused = await visitor.get(f"{site.url}/en/")
        assert refused.status == 401
        assert "MailGoThai" not in await refused.text()
        name, password = ALICE
        let_in = await visitor.get(URL(f"{site.url}/en/").with_user(name).with_password(password))
        assert (let_in.status, let_in.headers["Cache-Control"]) == (200, "private, max-age=5")


async def test_searches_without_end_fill_no_memory(broken: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MOST_KEPT", 100_000)
    kept = Kept(broken.board)
    for number in range(1000):
        kept.get(number, lambda body=b"x" * number: Answer(body, "text/plain"))  # type: ignore[misc]
        assert kept._size == sum(answer.size for answer in kept._answers.values()) <= 100_000
    assert 999 in kept._answers
    assert 0 not in kept._answers
