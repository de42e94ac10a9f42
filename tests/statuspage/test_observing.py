"""What the daemon says to the page's process: what changed, when it matters, and nothing that may not be shown."""

import asyncio
import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.closing import Closing
from monitor.core.calendar import Month
from monitor.core.check import Check, Outcome
from monitor.core.instants import DAY, MINUTE, SECOND
from monitor.core.maintenance import Window
from monitor.core.month import Sums
from monitor.settings import load
from monitor.statuspage.looks import bars, look_of
from monitor.statuspage.observing import Observer
from monitor.statuspage.picturing import MOST_OCCURRENCES, occurrences
from monitor.statuspage.view import Beat, Calendar, Closed, Day, Message, Past, Present, Site
from monitor.statuspage.words import Words
from tests.statuspage.scenes import BROKEN, HOST, NOW, REPLY, STORY, VOICE, ZONE, Outage, Scene, StillClock, at, once


def clock_of(observer: Observer) -> StillClock:
    clock = observer._clock
    assert isinstance(clock, StillClock)
    return clock


async def said_in(observer: Observer, said: list[Message], *, after: float) -> list[type]:
    """What is said once so many seconds have gone by."""
    clock = clock_of(observer)
    clock.passed += after
    clock.wall += round(after * SECOND)
    said.clear()
    await once(observer)
    return [type(message) for message in said]


async def test_while_nothing_happens_only_a_sign_of_life_is_given(tmp_path: Path) -> None:
    said: list[Message] = []
    observer, _ = STORY.observed(tmp_path, said)
    await once(observer)
    assert [type(one) for one in said] == [Site, Present, Calendar, Beat, Past]
    for _ in range(5):
        assert await said_in(observer, said, after=1) == [Beat]
    assert await said_in(observer, said, after=60) == [Present, Beat]  # how much time was observed


async def test_sums_that_move_are_said_every_few_seconds_and_days_every_minute(tmp_path: Path) -> None:
    said: list[Message] = []
    observer, _ = BROKEN.observed(tmp_path, said)
    await once(observer)
    counts = {Present: 0, Past: 0}
    for _ in range(120):
        for kind in await said_in(observer, said, after=1):
            if kind in counts:
                counts[kind] += 1
    assert counts == {Present: 24, Past: 2}


async def test_an_outage_is_said_at_once_and_again_when_it_is_over(tmp_path: Path) -> None:
    said: list[Message] = []
    observer, book = STORY.observed(tmp_path, said)
    await once(observer)
    for second in (0, 5, 10):
        book.record("mailgothai/imap", Check(NOW + second * SECOND, Outcome.DOWN, 0, VOICE, cause="timeout"))
    assert await said_in(observer, said, after=11) == [Present, Beat, Past]
    present, _, past = said
    assert isinstance(present, Present)
    assert isinstance(past, Past)
    assert (present.began, past.outages[0].end, past.outages[0].cause) == (NOW, None, "timeout")
    for second in (20, 25):
        book.record("mailgothai/imap", Check(NOW + second * SECOND, Outcome.UP, 0, VOICE))
    assert await said_in(observer, said, after=15) == [Present, Beat, Past]
    past = said[-1]
    assert isinstance(past, Past)
    assert past.outages[0].seconds == 20 * SECOND


async def test_what_is_declared_changes_days_outages_and_the_calendar_at_once(tmp_path: Path) -> None:
    said: list[Message] = []
    observer, book = STORY.observed(tmp_path, said)
    await once(observer)
    window = Window(
        "LATE", (), at("2026-09-02T03:00"), at("2026-09-02T04:00"), "approved", "ops", approved_by="another"
    )
    book.windows = [*book.windows, window]
    assert await said_in(observer, said, after=1) == [Calendar, Beat, Past]
    (past,) = (one for one in said if isinstance(one, Past))
    september = next(one for one in past.outages if one.start == at("2026-09-02T03:00"))
    assert (september.excused, september.counted) == (40 * MINUTE, 0)


async def test_the_days_of_a_month_add_up_to_it(tmp_path: Path) -> None:
    """Whatever happened: days are cut at midnights of the zone, and nothing falls between them."""
    (past, present) = await past_and_present(BROKEN, tmp_path)
    for month in present.months[:2]:
        start, end = month.month.span(ZONE)
        days = [day.sums for day in past.days if start <= day.start < end]
        assert sum(days, Sums()) == month.sums, month.month


async def test_an_outage_over_the_end_of_a_month_is_one_and_whole(tmp_path: Path) -> None:
    scene = Scene(outages=[Outage("mailgothai/imap", at("2026-10-31T23:00"), at("2026-11-01T01:00"))])
    (past, _) = await past_and_present(scene, tmp_path)
    (one,) = past.outages
    assert (one.start, one.end, one.seconds) == (at("2026-10-31T23:00"), at("2026-11-01T01:00"), 120 * MINUTE)
    assert one.least <= one.seconds <= one.most
    touched = [day for day in past.days if day.sums.downtime]
    assert [day.sums.downtime for day in touched] == [60 * MINUTE, 60 * MINUTE]


async def test_nothing_of_a_hidden_service_leaves_the_daemon_and_what_is_hidden_no_more_is_told(tmp_path: Path) -> None:
    titles = {"mailgothai": ("เมลกลางภาครัฐ", "MailGoThai"), "cluster-north": ("กลุ่มเหนือ", "Northern cluster")}
    windows = [
        Window("A", ("cluster-north/imap",), at("14:00"), at("16:00"), "secret", "ops", declared=at("13:00")),
        Window("B", ("mailgothai", "cluster-north"), at("17:00"), at("18:00"), "both", "ops", declared=at("13:00")),
    ]
    outages = [Outage("cluster-north/imap", at("13:00"), at("13:10"))]
    scene, said = Scene(titles, outages, windows=windows, status={"hide": ["cluster-north"]}), list[Message]()
    observer, _ = scene.observed(tmp_path, said)
    await once(observer)
    told = b"".join(pickle.dumps(one) for one in said)
    assert b"both" in told
    for word in ("north", "secret", "กลุ่มเหนือ"):
        assert word.encode() not in told
    observer.change(load(replace(scene, status={}).written(tmp_path)))
    assert Calendar in await said_in(observer, said, after=1)
    assert b"secret" in b"".join(pickle.dumps(one) for one in said)


async def test_nothing_that_may_not_be_shown_leaves_the_daemon(tmp_path: Path) -> None:
    told = b"".join(pickle.dumps(one) for one in await BROKEN.messages(tmp_path))
    for secret in (HOST, REPLY, "mailgothai/imap", "mailgothai/smtp"):
        assert secret.encode() not in told
    allowed = replace(BROKEN, status={"details": True})
    told = b"".join(pickle.dumps(one) for one in await allowed.messages(tmp_path))
    for word in (HOST, REPLY, "mailgothai/imap"):
        assert word.encode() in told


async def test_a_fleet_in_trouble_takes_a_tenth_of_the_time_at_most(tmp_path: Path) -> None:
    """Time is taken by asking the book; nine times as much is rest, in which checks go on."""
    titles = {f"agency-{number}": ("ก", "A") for number in range(5)}
    scene = replace(BROKEN, titles=titles, outages=[], silent=[], windows=[])
    observer, _ = scene.observed(tmp_path, [])
    clock = CostlyClock()
    observer._clock = clock
    for picture in observer._due():
        await observer._recall(picture)
    assert clock.rests == [9.0] * 5 * (scene.months + 1)


class CostlyClock(StillClock):
    """Between two readings of the monotonic clock lies a second."""

    def __init__(self) -> None:
        super().__init__()
        self.rests: list[float] = []

    def monotonic(self) -> float:
        self.passed += 1
        return super().monotonic()

    async def sleep(self, seconds: float) -> None:
        self.rests.append(seconds)
        await asyncio.sleep(0)


async def test_closed_months_are_known_by_their_revision(tmp_path: Path) -> None:
    scene = replace(STORY, closings={"2026-10": Closing(2, "d" * 64, {})})
    assert Closed({"2026-10": 2}) in await scene.messages(tmp_path)


def test_of_more_maintenance_than_can_be_shown_the_nearest_is() -> None:
    windows = tuple(
        Window(f"W{number}", (), NOW + number * MINUTE, NOW + number * MINUTE + 1, "x", "ops")
        for number in range(MOST_OCCURRENCES + 50)
    )
    found = occurrences(windows, NOW)
    assert len(found) == MOST_OCCURRENCES
    assert (found[0].start, found[-1].start) == (NOW, NOW + (MOST_OCCURRENCES - 1) * MINUTE)


@pytest.mark.parametrize(
    ("sums", "look"),
    [
        (Sums(), "none"),
        (Sums(length=DAY, up=DAY), "up"),
        (Sums(length=DAY, up=DAY - 1, downtime=1, unknown=5, excused=5), "down"),
        (Sums(length=DAY, up=DAY - 2, excused=1, unknown=1), "maintenance"),
        (Sums(length=DAY, up=DAY - 1, unknown=1), "unknown"),
    ],
)
def test_a_day_shows_the_worst_of_it(sums: Sums, look: str) -> None:
    assert look_of(Day(0, sums)) == look
    drawn = bars([Day(0, sums)], Words("en", ZONE))
    assert [name for name, _ in drawn.paths] == [look]
    assert [name for name, _ in drawn.marks] == ([] if look in {"none", "up"} else [look])


async def past_and_present(scene: Scene, directory: Path) -> tuple[Past, Present]:
    said = await scene.messages(directory)
    (past,) = (one for one in said if isinstance(one, Past))
    (present,) = (one for one in said if isinstance(one, Present))
    assert present.month.month == Month(2026, 11)
    return past, present
