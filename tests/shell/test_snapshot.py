"""A snapshot that was moved on from the one before has every figure of one that is made from nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.book import Book, Horizon
from monitor.core.calendar import Month
from monitor.core.check import Check, Outcome
from monitor.core.instants import DAY, MINUTE, SECOND, Instant
from monitor.core.maintenance import Exclusion, Window
from monitor.core.month import Figures, Objectives, StateSeconds
from monitor.core.recurrence import Recurrence
from monitor.core.rules import Rules, TargetRule
from monitor.core.service import Service
from monitor.live import Live, resumed
from monitor.photographer import Photographer
from monitor.runner import Result, Target
from monitor.snapshot import ServicePicture, Snapshot
from probes.base import Certificate, Evidence
from tests.core.worked import ZONE
from tests.shell.fleet import IdleProbe

TURN = Month(2026, 12).start(ZONE)
VOICE = 135 * SECOND
TARGETS = ("mail/smtp", "mail/imap", "other/pop3")
MAIL, OTHER = Service("mail", 1, TARGETS[:2]), Service("other", 1, TARGETS[2:])
SERVICES = {
    "mail": MAIL,
    "other": replace(OTHER, accounts=3),
    "both": Service("both", 2, (), (replace(MAIL, accounts=5), replace(OTHER, accounts=3))),
}


@dataclass(frozen=True)
class Step:
    """After so many seconds some targets are checked, a check goes on or not, and a snapshot is taken or not."""

    seconds: int
    outcomes: tuple[Outcome | None, ...]
    duration: int
    under_way: bool
    looked: bool
    speaks: bool


moments = st.sampled_from([0, 0, 1, 1, 5, 30, 60, 134, 135, 136, 400, 7200])
outcomes = st.sampled_from([None, None, Outcome.UP, Outcome.UP, Outcome.UP, Outcome.DOWN, Outcome.UNKNOWN])
steps = st.builds(
    Step,
    moments,
    st.tuples(*(outcomes for _ in TARGETS)),
    st.sampled_from([0, 0, 3]),
    st.booleans(),
    st.sampled_from([True, True, False]),
    st.sampled_from([True, True, True, False]),
)
windows = st.lists(
    st.builds(
        lambda start, length, scope: Window("w", scope, TURN + start, TURN + start + length, "patching", "ops"),
        st.integers(-600, 600).map(lambda second: second * SECOND),
        st.integers(1, 400).map(lambda second: second * SECOND),
        st.sampled_from([(), ("mail",), ("mail/imap",), ("both",)]),
    ),
    max_size=3,
)
weekly = Window(
    "weekly", ("other",), TURN, TURN + MINUTE, "patching", "ops", Recurrence("FREQ=WEEKLY", TURN, ZONE, MINUTE)
)


class Story:
    """Checks of three targets in three services, near the turn of a month."""

    def __init__(self, declared: Sequence[Window], confirm: int, start: Instant) -> None:
        self.now = start
        self.declared = [weekly, *declared]
        self.recorded: list[tuple[str, Check]] = []
        self.rules = Rules(
            ZONE,
            dict.fromkeys(TARGETS, TargetRule(confirm, 2, VOICE)),
            SERVICES,
            dict.fromkeys(SERVICES, Objectives(Fraction("99.5"), 216 * MINUTE)),
        )
        self.book = Book(self.rules, self.declared)
        self.lives = {name: self._live(name) for name in TARGETS}
        self.photographer = Photographer(self.book, self.lives, 3)

    def go_on(self, step: Step) -> None:
        self.now += step.seconds * SECOND
        for name, outcome in zip(TARGETS, step.outcomes, strict=True):
            live = self.lives[name]
            live.outstanding.clear()
            if outcome is not None:
                self._check(live, outcome, step)
            if step.under_way:
                live.outstanding.append(self.now)

    def _check(self, live: Live, outcome: Outcome, step: Step) -> None:
        name = live.target.name
        cause = None if outcome is Outcome.UP else "timeout"
        check = Check(self.now, outcome, step.duration * SECOND, VOICE, cause=cause, speaks=step.speaks)
        certificate = Certificate("CN=mx", "CN=ca", ("mx",), 0, (TURN + 14 * DAY) / SECOND)
        seen = Evidence(certificate=certificate)
        live.take(Result(live.target, check, self.now / SECOND, (), None, seen, "", pulse=False))
        self.book.record(name, check)
        self.recorded.append((name, check))

    def look(self) -> Snapshot:
        return self.photographer.take(self.now, self.now / SECOND)

    def again(self) -> Snapshot:
        """The same, by a book and a photographer that have seen nothing yet."""
        book = Book(self.rules, self.declared)
        for name, check in self.recorded:
            book.record(name, check)
        return Photographer(book, self.lives, 3).take(self.now, self.now / SECOND)

    def _live(self, name: str) -> Live:
        target = Target(name, name.partition("/")[2], IdleProbe(), 15 * SECOND, VOICE, min_days_left=14)
        return Live(target, resumed(self.book.accounts[name].timeline, 0))


@settings(deadline=None)
@given(st.lists(steps, min_size=1, max_size=30), windows, st.integers(1, 3), st.integers(-600, 100))
def test_it_is_the_one_made_from_nothing(told: list[Step], declared: list[Window], confirm: int, before: int) -> None:
    story = Story(declared, confirm, TURN + before * SECOND)
    for step in told:
        story.go_on(step)
        if step.looked:
            assert story.look() == story.again()
    assert story.look() == story.again()


@settings(deadline=None)
@given(st.lists(steps, min_size=1, max_size=20), windows, st.integers(1, 3))
def test_its_figures_and_its_outage_are_those_that_the_book_lists(
    told: list[Step], declared: list[Window], confirm: int
) -> None:
    story = Story(declared, confirm, TURN - 60 * SECOND)
    for step in told:
        story.go_on(step)
        for picture in story.look().services:
            horizon = Horizon(story.now, now=True)
            for figures in picture.months:
                listed = story.book.figures(picture.name, figures.month, horizon)
                assert replace(listed, outages=()) == figures
            latest = Month.of(story.now - 1, ZONE)  # of a month that begins now no outage is listed yet
            listed = story.book.figures(picture.name, latest, horizon)
            ongoing = [outage.id for outage in listed.outages if outage.ongoing]
            assert ongoing == ([picture.outage] if picture.outage is not None else [])


@settings(deadline=None)
@given(
    st.lists(steps, min_size=2, max_size=20),
    windows,
    st.lists(windows, min_size=1, max_size=4),
)
def test_seconds_by_state_add_up_and_never_go_back_whatever_is_declared_later(
    told: list[Step], declared: list[Window], later: list[list[Window]]
) -> None:
    story = Story(declared, 2, TURN - 60 * SECOND)
    before: dict[str, StateSeconds] = {}
    for number, step in enumerate(told):
        story.go_on(step)
        story.declared = story.book.windows = [weekly, *later[number % len(later)]]
        story.photographer.forget()
        for picture in story.look().services:
            now, was = picture.seconds, before.get(picture.name)
            if now is not None and was is not None:
                states = ("up", "down", "excused", "unknown")
                more = [getattr(now, state) - getattr(was, state) for state in states]
                assert min(more) >= 0
                assert sum(more) == now.settled - was.settled
            if now is not None:
                before[picture.name] = now
        assert [_months(one) for one in story.look().services] == [_months(one) for one in story.again().services]


def _months(picture: ServicePicture) -> tuple[Figures, ...]:
    return picture.months


def test_what_takes_effect_between_two_services_is_in_every_month_of_the_next_snapshot() -> None:
    """Nobody need say so: a declaration that the ledger took late takes effect long after the act."""
    up, down = (Step(60, (outcome,) * 3, 0, False, True, True) for outcome in (Outcome.UP, Outcome.DOWN))
    story = Story([], 1, TURN - 600 * SECOND)
    for step in (up, down, down, *[up] * 20):
        story.go_on(step)
        story.look()
    turns = story.photographer.steps(story.now, story.now / SECOND)
    for _ in range(3):  # the targets, mail and other, but not yet what is made of both
        next(turns)
    excused = Exclusion("x", (), TURN - 600 * SECOND, TURN, "customer", "ticket 1", "ops", "boss")
    story.book.exclusions = [excused]
    story.photographer.forget()
    list(turns)
    story.book.exclusions = [replace(excused, end=TURN - 400 * SECOND)]
    story.go_on(up)
    for picture in story.look().services:
        for figures in picture.months:
            listed = story.book.figures(picture.name, figures.month, Horizon(story.now, now=True))
            assert replace(listed, outages=()) == figures


@settings(deadline=None)
@given(st.lists(steps, min_size=2, max_size=20), windows, st.integers(0, 20))
def test_over_a_restart_seconds_go_on_from_where_they_were_kept(
    told: list[Step], later: list[Window], end: int
) -> None:
    """Also where something was declared in between that would have made others of them."""
    story, other = (Story([], 2, TURN - 60 * SECOND) for _ in range(2))
    for number, step in enumerate(told):
        story.go_on(step)
        other.go_on(step)
        if number == end:
            kept = story.photographer.seconds
            story.book.windows = other.book.windows = [weekly, *later]
            story.photographer = Photographer(story.book, story.lives, 3, kept)
        told_now = [[one.seconds for one in each.look().services] for each in (story, other)]
        assert told_now[0] == told_now[1]


def test_what_nothing_happened_to_is_the_very_same_picture() -> None:
    """So that its text need not be made again; and only time passing makes another of a target."""
    story = Story([], 3, TURN)
    well = Step(0, (Outcome.UP,) * 3, 0, under_way=False, looked=True, speaks=True)
    story.go_on(well)
    first = story.look()
    story.go_on(replace(well, seconds=1, outcomes=(None, Outcome.UP, None)))
    second = story.look()
    assert [a is b for a, b in zip(first.targets, second.targets, strict=True)] == [True, False, True]
    story.go_on(replace(well, seconds=134, outcomes=(None, Outcome.UP, None)))
    assert [target.state for target in story.look().targets] == ["unknown", "up", "unknown"]


def test_a_certificate_runs_out_while_nothing_is_checked() -> None:
    story = Story([], 3, TURN - SECOND)
    story.go_on(Step(0, (Outcome.UP,) * 3, 0, under_way=False, looked=True, speaks=True))
    before = story.look().targets[0].expiring
    story.now += SECOND
    assert (before, story.look().targets[0].expiring) == (False, True)


def test_what_is_left_of_a_back_off_goes_down_with_time_and_then_is_gone() -> None:
    story = Story([], 3, TURN)
    story.lives["mail/imap"].backoff_until = story.now / SECOND + 2
    left = []
    for _ in range(4):
        left.append(story.look().targets[1].backoff)
        story.now += SECOND
    assert left == [2, 1, None, None]


def test_a_service_is_in_maintenance_while_windows_on_its_parts_cover_what_makes_it_down() -> None:
    """Its downtime is excused then, and nobody is to be called; a part that no window covers ends that."""
    declared = [Window("w", ("mail/imap",), TURN - MINUTE, TURN + 9 * MINUTE, "patching", "ops")]
    story = Story(declared, 1, TURN)

    def active(*outcomes: Outcome) -> list[bool]:
        story.go_on(Step(1, outcomes, 0, under_way=False, looked=True, speaks=True))
        return [service.maintenance.active for service in story.look().services]

    up, down = Outcome.UP, Outcome.DOWN
    assert active(up, up, up) == [False, True, False]  # `other` is in a window of its own
    assert active(up, down, up) == [True, True, False]
    assert active(down, down, up) == [False, True, False]
