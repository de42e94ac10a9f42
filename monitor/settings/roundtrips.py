"""Round trips: one stanza for every pair of a submitter and a reader, and whether those can be what it asks of them."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

from pydantic import Field

from monitor.core.instants import DAY, MINUTE, SECOND, Duration, format_duration
from monitor.settings.fields import PositiveDuration, quote
from monitor.settings.models import Checking, Confirm, Recover, TargetKeys, TargetSettings
from monitor.settings.problems import Loc, suggest
from monitor.settings.reader import Reader
from probes.roundtrip import RoundtripOptions, is_address

KIND = "roundtrip"
SUBMITTERS, READERS = ("submission", "smtp"), ("imap", "pop3")
INTERVAL, DEADLINE, MARGIN = 5 * MINUTE, 4 * MINUTE, 30 * SECOND

Item = tuple[Loc, Any]


class RoundtripKeys(TargetKeys):
    """Since each check sends a message, a round trip takes from `defaults` only how many checks make it down and up:
    `interval` is `5m`, `confirm.interval` and `recover.interval` are `1m`, `pulse` is off, unless the target says
    otherwise. It has a `deadline` and no `timeout`.
    """

    deadline: PositiveDuration | None = Field(
        None,
        description="How long after its check began a message may take until it is found; shorter than `interval`. "
        "By default `4m`, at most 4/5 of `interval`. A check lasts at most 30s longer.",
        examples=["4m"],
    )
    give_up: PositiveDuration = Field(
        DAY,
        description="How long after it was sent a message that did not come is lost; afterwards what is left of "
        "round trips in the mailbox is deleted.",
        examples=["24h"],
    )


def names_in(tree: Any) -> list[str]:
    """The names of the targets that a stanza stands for, as far as it can be read."""
    name = _text(tree, "name")
    if name is None:
        return []
    if _text(tree, "type") != KIND:
        return [name]
    return [_named(name, addition) for addition in _pairs(_listed(tree, "submit"), _listed(tree, "fetch"))] or [name]


def resolved(reader: Reader, keys: RoundtripKeys, defaults: Checking, loc: Loc) -> tuple[Checking, Duration]:
    """What holds where the target says nothing, the time-out among it; and the deadline."""
    interval = keys.interval if "interval" in keys.model_fields_set else INTERVAL
    deadline = keys.deadline or min(DEADLINE, interval * 4 // 5)
    if "timeout" in keys.model_fields_set:
        reader.report.add((*loc, "timeout"), "a round trip has none", "write deadline", at="key")
    if deadline >= interval:
        text = f"deadline {format_duration(deadline)} must be shorter than interval {format_duration(interval)}"
        reader.report.add((*loc, "deadline"), text)
    elif keys.give_up < interval:
        text = f"give_up {format_duration(keys.give_up)} must not be shorter than interval {format_duration(interval)}"
        reader.report.add((*loc, "give_up"), text)
    own = Checking.model_construct(
        set(),  # nothing of it was written, so that what does not fit is adapted and not complained of
        interval=INTERVAL,
        timeout=deadline + min(MARGIN, (interval - deadline) // 2) if deadline < interval else interval // 2,
        confirm=Confirm.model_construct(set(), failures=defaults.confirm.failures, interval=interval),
        recover=Recover.model_construct(set(), successes=defaults.recover.successes, interval=interval),
        pulse=None,
        stale_after=None,
    )
    return own, deadline


def expanded(service: str, target: TargetSettings) -> Iterator[TargetSettings]:
    """A target for each pair, its two ends named in full; what is no round trip is itself."""
    options = target.options
    if not isinstance(options, RoundtripOptions):
        yield target
        return
    for addition, (submit, fetch) in _pairs(options.submit, options.fetch).items():
        ends: dict[str, Any] = {"submit": (_full(service, submit),), "fetch": (_full(service, fetch),)}
        ends["bounces"] = options.bounces and _full(service, options.bounces)
        yield replace(target, name=_named(target.name, addition), options=options.model_copy(update=ends))


def check_ends(reader: Reader, services: list[Item]) -> None:
    """Whatever a round trip names must be there, be of a type that can do it, and have a login."""
    known = {
        f"{_text(service, 'name')}/{_text(target, 'name')}": target
        for _, service in services
        for target in _items(service, "targets")
    }
    for loc, service in services:
        for index, target in [] if reader.report.crowded(loc) else enumerate(_items(service, "targets")):
            if _text(target, "type") == KIND and KIND in reader.types:
                where = (*loc, "targets", index)
                ends = _Ends(reader, known, _text(service, "name") or "", target, where)
                ends.check("submit", SUBMITTERS, "from")
                ends.check("fetch", READERS, "to")
                ends.check("bounces", READERS)


class _Ends:
    """The targets that one stanza names."""

    def __init__(self, reader: Reader, known: dict[str, Any], service: str, stanza: Any, loc: Loc) -> None:
        self._reader = reader
        self._known = known
        self._service = service
        self._stanza = stanza
        self._loc = loc

    def check(self, key: str, kinds: tuple[str, ...], address: str | None = None) -> None:
        """`address` is the key without which the user name must be one."""
        several = isinstance(self._stanza.get(key), list)
        for index, name in enumerate(_listed(self._stanza, key)):
            where = (*self._loc, key, index) if several else (*self._loc, key)
            self._one(name, where, kinds, address)

    def _one(self, name: str, where: Loc, kinds: tuple[str, ...], address: str | None) -> None:
        report = self._reader.report
        target = self._known.get(_full(self._service, name))
        kind, wanted = _text(target, "type"), " or ".join(kinds)
        if target is None:
            report.add(where, f"there is no target {quote(name)}", suggest(name, self._fitting(kinds)))
        elif kind not in kinds:
            report.add(where, f"{quote(name)} is of type {quote(kind or '')}; needed: {wanted}")
        elif not isinstance(target.get("login"), dict):
            report.add(where, f"{quote(name)} has no login", "a round trip logs in at both of its ends")
        elif address and self._stanza.get(address) is None and not is_address(_text(target["login"], "username") or ""):
            report.add(where, f"the user name of {quote(name)} is no address", f"write {address}: ADDRESS")

    def _fitting(self, kinds: tuple[str, ...]) -> list[str]:
        found = [name for name, target in self._known.items() if _text(target, "type") in kinds]
        return [name.removeprefix(f"{self._service}/") for name in found]


def _pairs(submit: tuple[str, ...], fetch: tuple[str, ...]) -> dict[str, tuple[str, str]]:
    """What is added to the stanza's name for each pair: nothing where there is but one."""
    pairs = list(product(submit, fetch))
    if len(pairs) == 1:
        return {"": pairs[0]}
    return {"-".join(part.replace("/", "-") for part in pair): pair for pair in pairs}


def _named(name: str, addition: str) -> str:
    return f"{name}-{addition}" if addition else name


def _full(service: str, name: str) -> str:
    return name if "/" in name else f"{service}/{name}"


def _listed(tree: Any, key: str) -> tuple[str, ...]:
    value = tree.get(key)
    names = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return tuple(name for name in names if isinstance(name, str))


def _text(tree: Any, key: str) -> str | None:
    value = tree.get(key) if isinstance(tree, dict) else None
    return value if isinstance(value, str) else None


def _items(tree: Any, key: str) -> list[Any]:
    value = tree.get(key) if isinstance(tree, dict) else None
    return value if isinstance(value, list) else []
