"""The words of a request about a ticket, read and refused one by one."""

from collections.abc import Mapping
from typing import Any, Literal, TypeVar, get_args
from zoneinfo import ZoneInfo

from monitor.acts import RefusedActError, text_of
from monitor.core.instants import Instant, format_instant, parse_instant
from monitor.core.tickets import CHANNELS, PRIORITIES, TICKET_KINDS, Channel, Kind
from monitor.settings.fields import RefusedError, identity
from monitor.settings.problems import suggest

LONGEST_TEXT = 200
Request = Mapping[str, Any]
Choice = TypeVar("Choice", bound=str)
Verb = Literal["respond", "resolve", "close", "reopen", "change", "withdraw"]
VERBS: tuple[Verb, ...] = get_args(Verb)


def kind_of(request: Request) -> Kind:
    return _chosen(request, "kind", TICKET_KINDS)


def channel_of(request: Request, otherwise: Channel | None = None) -> Channel:
    if otherwise is not None and request.get("channel") is None:
        return otherwise
    spelt = {"e-mail": "email", "phone": "telephone"}
    given = request.get("channel")
    return _chosen({"channel": spelt.get(given, given) if isinstance(given, str) else given}, "channel", CHANNELS)


def priority_of(request: Request, kind: Kind) -> str | None:
    """A priority of that kind, in any case; a complaint has none."""
    known, given = PRIORITIES[kind], request.get("priority")
    if not known:
        if given is not None and given != "":
            raise RefusedActError(f"priority: a {kind} has none")
        return None
    text = text_of(dict(request), "priority")
    found = next((one for one in known if one.lower() == text.lower()), None)
    if found is None:
        raise RefusedActError(f'priority: unknown value "{text[:60]}"; {_of(known)}')
    return found


def identity_of(request: Request, key: str = "id") -> str:
    try:
        return identity(text_of(dict(request), key))
    except RefusedError as error:
        raise RefusedActError(f"{key}: {error}; {error.hint}") from None


def optional_text(request: Request, key: str) -> str | None:
    """A short text, None where none is given."""
    if request.get(key) is None:
        return None
    text = text_of(dict(request), key)
    if len(text) > LONGEST_TEXT or not text.isprintable():
        raise RefusedActError(f"{key} is longer than {LONGEST_TEXT} characters, or not printable")
    return text


def time_of(request: Request, key: str, zone: ZoneInfo, now: Instant) -> Instant:
    """A time that is not ahead of now; now where none is given."""
    if request.get(key) is None:
        return now
    try:
        found = parse_instant(text_of(dict(request), key), zone)
    except ValueError as error:
        raise RefusedActError(f"{key}: {error}") from None
    if found > now:
        raise RefusedActError(f"{key}: {format_instant(found, zone)} has not come yet")
    return found


def _chosen(request: Request, key: str, known: tuple[Choice, ...]) -> Choice:
    text = text_of(dict(request), key).lower()
    for one in known:
        if one == text:
            return one
    raise RefusedActError(f'{key}: unknown value "{text[:60]}"; {suggest(text, known) or _of(known)}')


def _of(known: tuple[str, ...]) -> str:
    return f"known: {', '.join(known)}"
