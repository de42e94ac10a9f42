"""What no single key can tell: names, references, and times that do not go together."""

from collections.abc import Iterable, Iterator
from zoneinfo import ZoneInfo

from monitor.core.instants import format_duration, format_instant
from monitor.core.recurrence import Recurrence
from monitor.settings.loader import Settings
from monitor.settings.models import AtLeast, ExclusionSettings, ServiceSettings, TargetSettings, WindowSettings
from monitor.settings.nodes import Loc
from monitor.settings.problems import did_you_mean

Found = tuple[Loc, str, str]
MOST_A_DAY = 1000


def check(settings: Settings) -> Iterator[Found]:
    """Every problem as (place, message, hint)."""
    if not settings.services:
        yield ("services",), "at least one service is needed", ""
    yield from _duplicates(("services",), [service.name for service in settings.services])
    for number, service in enumerate(settings.services):
        yield from _service(("services", number), service, settings)
    yield from _cycles(settings)
    for number, test in enumerate(settings.self_test):
        yield from _self_test(("self_test", number), test)
    for number, window in enumerate(settings.maintenance):
        yield from check_window(("maintenance", number), window, settings)
    yield from _duplicates(("maintenance",), [window.id for window in settings.maintenance])
    for number, exclusion in enumerate(settings.exclusions):
        yield from check_exclusion(("exclusions", number), exclusion, settings)
    yield from _duplicates(("exclusions",), [exclusion.id for exclusion in settings.exclusions])


def _duplicates(loc: Loc, names: list[str]) -> Iterator[Found]:
    for number, name in enumerate(names):
        if name in names[:number]:
            first = names.index(name)
            yield (*loc, number), f'"{name}" is there twice', f"the first is number {first + 1} of the list"


def _service(loc: Loc, service: ServiceSettings, settings: Settings) -> Iterator[Found]:
    names = [one.name for one in settings.services]
    counting = sum(target.counts for target in service.targets) + len(service.members)
    if service.targets and service.members:
        yield (*loc, "members"), "a service has targets or members, not both", ""
    elif not service.targets and not service.members:
        yield loc, f'service "{service.name}" has no targets and no members', ""
    elif counting == 0:
        yield loc, f'no target of service "{service.name}" counts', "leave out counts: false on one of them"
    down_when = service.down_when
    if isinstance(down_when, AtLeast) and down_when.at_least > counting:
        yield (
            (*loc, "down_when", "at_least"),
            f"{down_when.at_least} of {counting} counting targets can never be down",
            "",
        )
    if service.since is not None and service.until is not None and service.until <= service.since:
        yield (*loc, "until"), "lies before since", ""
    for number, member in enumerate(service.members):
        if member not in names:
            yield (*loc, "members", number), f'there is no service "{member}"', did_you_mean(member, names)
    if len(set(service.members)) < len(service.members):
        yield (*loc, "members"), "a service is a member twice", ""
    yield from _duplicates((*loc, "targets"), [target.name for target in service.targets])
    for number, target in enumerate(service.targets):
        yield from _target((*loc, "targets", number), target)


def _target(loc: Loc, target: TargetSettings) -> Iterator[Found]:
    interval = format_duration(target.interval)
    if target.timeout >= target.interval:
        text = f"timeout {format_duration(target.timeout)} must be shorter than interval {interval}"
        yield (*loc, "timeout"), text, ""
    for name, value in (("confirm", target.confirm.interval), ("recover", target.recover.interval)):
        if value > target.interval:
            text = f"{name}.interval {format_duration(value)} must not be longer than interval {interval}"
            yield (*loc, name, "interval"), text, ""
    if target.pulse is not None and target.pulse > target.interval:
        text = f"pulse {format_duration(target.pulse)} must not be longer than interval {interval}"
        yield (*loc, "pulse"), text, "write pulse: off for none"
    if target.stale_after < target.interval:
        text = f"stale_after {format_duration(target.stale_after)} must not be shorter than interval {interval}"
        yield (*loc, "stale_after"), text, ""


def _cycles(settings: Settings) -> Iterator[Found]:
    members = {service.name: service.members for service in settings.services}

    def reaches(name: str, wanted: str, seen: set[str]) -> bool:
        fresh = [member for member in members.get(name, ()) if member not in seen]
        return any(member == wanted or reaches(member, wanted, seen | {member}) for member in fresh)

    for number, service in enumerate(settings.services):
        if reaches(service.name, service.name, set()):
            yield ("services", number, "members"), f'service "{service.name}" is a member of itself', ""


def _self_test(loc: Loc, test: str) -> Iterator[Found]:
    port = test.rpartition(":")[2]
    if test not in {"resolver", "gateway"} and not (test.startswith("tcp://") and port.isdecimal()):
        yield loc, f'not a self-test: "{test}"', "known: resolver, gateway, tcp://HOST:PORT"


def _scope(loc: Loc, scope: Iterable[str], settings: Settings) -> Iterator[Found]:
    known = [service.name for service in settings.services]
    known += [f"{service.name}/{target.name}" for service in settings.services for target in service.targets]
    for name in scope:
        if name not in known:
            yield (*loc, "scope"), f'there is no service or target "{name}"', did_you_mean(name, known)


def check_window(loc: Loc, window: WindowSettings, settings: Settings) -> Iterator[Found]:
    yield from _scope(loc, window.scope, settings)
    if window.rrule is not None:
        yield from _recurring(loc, window, settings.zone)
        return
    if window.duration is not None and window.end is not None:
        yield (*loc, "duration"), "end and duration are both given", "leave one of them out"
    elif window.duration is None and window.end is None:
        yield loc, "end is required", "or rrule and duration"
    elif window.end is not None and window.end <= window.start:
        yield (*loc, "end"), "lies not after start", ""


def _recurring(loc: Loc, window: WindowSettings, sla_zone: ZoneInfo) -> Iterator[Found]:
    if window.end is not None:
        yield (*loc, "end"), "a window that recurs has a duration, not an end", ""
    if window.duration is None:
        yield loc, "duration is required where rrule is given", ""
        return
    try:
        zone = ZoneInfo(window.timezone) if window.timezone else sla_zone
    except (KeyError, ValueError, OSError):
        yield (*loc, "timezone"), f'there is no time zone "{window.timezone}"', ""
        return
    yield from recurrence_problems(loc, Recurrence(window.rrule or "", window.start, zone, window.duration))


def recurrence_problems(loc: Loc, recurrence: Recurrence) -> Iterator[Found]:
    """What makes a recurrence rule useless or dangerous (R13)."""
    place = (*loc, "rrule")
    try:
        if not recurrence.yields():
            yield place, "yields no occurrence", ""
        elif recurrence.many(MOST_A_DAY):
            yield place, f"yields more than {MOST_A_DAY} occurrences a day", ""
        elif not recurrence.starts_with_occurrence():
            start = format_instant(recurrence.start, recurrence.zone)
            yield (*loc, "start"), f"{start} is no occurrence of the rule", f"the next is {recurrence.next_text()}"
    except (ValueError, TypeError, OverflowError) as error:
        yield place, f"not a recurrence rule of RFC 5545: {error}", "as in FREQ=MONTHLY;BYDAY=1SU"


def check_exclusion(loc: Loc, exclusion: ExclusionSettings, settings: Settings) -> Iterator[Found]:
    yield from _scope(loc, exclusion.scope, settings)
    span = (exclusion.start is not None, exclusion.end is not None)
    if exclusion.outage is not None and any(span):
        yield (*loc, "outage"), "an outage and a span are both given", "leave one of them out"
    elif exclusion.outage is None and not all(span):
        yield loc, "start and end are required", "or outage"
    elif exclusion.start is not None and exclusion.end is not None and exclusion.end <= exclusion.start:
        yield (*loc, "end"), "lies not after start", ""
