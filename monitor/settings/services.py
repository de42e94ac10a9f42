"""Services and their targets: defaults filled in, and what no single key can tell about them."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from monitor.core.instants import Duration, format_duration
from monitor.settings.fields import AtLeast, quote, shape
from monitor.settings.fleets import read_fleets
from monitor.settings.models import (
    Checking,
    Confirm,
    LoginBackoff,
    Recover,
    ServiceKeys,
    ServiceSettings,
    TargetKeys,
    TargetSettings,
    UseKeys,
)
from monitor.settings.problems import Loc, suggest
from monitor.settings.reader import Reader
from monitor.settings.roundtrips import KIND, RoundtripKeys, check_ends, expanded, names_in
from monitor.settings.roundtrips import resolved as roundtrip_defaults
from monitor.settings.sections import Section
from monitor.settings.uses import Names, check_uses, is_use
from probes.base import Options

Item = tuple[Loc, Any]


def read_services(reader: Reader, items: list[Item], defaults: Checking, names: Names) -> tuple[ServiceSettings, ...]:
    """Every service that could be read; its problems, and those of the others, are in the report."""
    report_duplicates(reader, [((*loc, "name"), _text(item, "name")) for loc, item in items], "a service")
    _members(reader, items)
    check_ends(reader, items)
    check_uses(reader, items, names)
    made = [_service(reader, item, loc, defaults) for loc, item in items if not reader.report.crowded(loc)]
    return _weighed([service for service in made if service is not None])


def _weighed(services: list[ServiceSettings]) -> tuple[ServiceSettings, ...]:
    """A service of services that does not say how many accounts it serves serves those of its members."""
    named = {service.name: service for service in services}

    def serving(name: str, seen: set[str]) -> set[str] | None:
        """The services below that say it themselves; None where one does not."""
        one = named.get(name)
        if one is None or name in seen:
            return None
        if one.accounts is not None or not one.members:
            return None if one.accounts is None else {name}
        below = [serving(member, {*seen, name}) for member in one.members]
        return None if None in below else set().union(*(found for found in below if found))

    def weighed(one: ServiceSettings) -> ServiceSettings:
        below = serving(one.name, set()) if one.members and one.accounts is None else None
        return one if below is None else replace(one, accounts=sum(named[name].accounts or 0 for name in below))

    return tuple(map(weighed, services))


def service_items(reader: Reader, tree: dict[str, Any]) -> list[Item]:
    """Every service as it is written, or as a fleet makes it."""
    if not tree.get("services") and not tree.get("fleets"):
        reader.report.add(("services",), "at least one service is needed", at="key")
    return [*reader.items(tree, "services"), *read_fleets(reader, tree)]


def report_duplicates(reader: Reader, names: Iterable[tuple[Loc, str | None]], what: str) -> None:
    first: dict[str, Loc] = {}
    for loc, name in names:
        if name is not None and name in first:
            where = reader.report.said(first[name], loc)
            reader.report.add(loc, f"{what} {quote(name)} is defined already, at {where}")
        elif name is not None:
            first[name] = loc


def _text(tree: Any, key: str) -> str | None:
    value = tree.get(key) if isinstance(tree, dict) else None
    return value if isinstance(value, str) else None


def _list(tree: Any, key: str) -> list[Any]:
    value = tree.get(key) if isinstance(tree, dict) else None
    return value if isinstance(value, list) else []


def _service(reader: Reader, tree: Any, loc: Loc, defaults: Checking) -> ServiceSettings | None:
    if not isinstance(tree, dict):
        reader.report.add(loc, f"a mapping is expected, not {shape(tree)}")
        return None
    plain = {key: item for key, item in tree.items() if key != "targets"}
    keys = reader.model(ServiceKeys, plain, loc, ("targets",))
    if tree.get("targets") and not isinstance(tree["targets"], list):
        reader.items(tree, "targets", loc)
        return None
    items = reader.items(tree, "targets", loc)
    names = [((*where, "name"), name) for where, item in items for name in names_in(item)]
    report_duplicates(reader, names, "a target")
    used = [reader.model(UseKeys, item, where) for where, item in items if is_use(item)]
    targets = [_target(reader, item, where, defaults) for where, item in items if not is_use(item)]
    if keys is None:
        return None
    uses = tuple((one.use, one.counts) for one in used if one is not None)
    read = tuple(one for target in targets if target is not None for one in expanded(keys.name, target))
    unread = sum(target is None for target in (*targets, *used))
    counting = unread + sum(target.counts for target in read) + sum(counts for _, counts in uses) + len(keys.members)
    _parts(reader, keys, items, counting, loc)
    if unread or not (items or keys.members):
        return None
    return ServiceSettings(
        keys.name,
        keys.title,
        keys.since,
        keys.until,
        keys.sla,
        keys.accounts,
        keys.down_when,
        read,
        keys.members,
        uses,
    )


def _parts(reader: Reader, keys: ServiceKeys, targets: list[Item], counting: int, loc: Loc) -> None:
    """What makes the service up or down must be able to (R6)."""
    report = reader.report
    if targets and keys.members:
        report.add((*loc, "members"), "a service has targets or members, not both", at="key")
    elif not targets and not keys.members:
        report.add(loc, "a service needs targets, or members", at="key")
    elif not counting:
        report.add((*loc, "targets"), "no target counts", "leave out counts: false on one of them", at="key")
    elif isinstance(keys.down_when, AtLeast) and keys.down_when.at_least > counting:
        what = "members" if keys.members else "targets that count"
        text = f"{keys.down_when.at_least} can never be down; {what}: {counting}"
        report.add((*loc, "down_when", "at_least"), text)
    if keys.since is not None and keys.until is not None and keys.until <= keys.since:
        report.add((*loc, "until"), "must be after since")


def _target(reader: Reader, tree: Any, loc: Loc, defaults: Checking) -> TargetSettings | None:
    if not isinstance(tree, dict):
        reader.report.add(loc, f"a mapping is expected, not {shape(tree)}")
        return None
    kind = _text(tree, "type")
    probe = None if kind is None else reader.types.get(kind)
    if probe is None and kind is not None:
        known = ", ".join(sorted(reader.types))
        close = suggest(kind, reader.types)
        hint = f"{close} known: {known}" if close and close.endswith("?") else f"known: {known}"
        reader.report.add((*loc, "type"), f"unknown probe type {quote(kind)}", hint)
    kinds = RoundtripKeys if probe is not None and kind == KIND else TargetKeys
    own, others = set(kinds.model_fields), set(probe.Options.model_fields if probe else ())
    keys = reader.model(kinds, {key: item for key, item in tree.items() if key in own}, loc)
    resolved = None if keys is None else _resolved(reader, keys, defaults, loc)
    if probe is None:  # what its other keys mean cannot be told
        return None
    rest = {key: item for key, item in tree.items() if key not in own or key in others}
    options = reader.options(probe.Options, rest, loc, tuple(own))
    return None if resolved is None or options is None else replace(resolved, options=options)


def _resolved(reader: Reader, keys: TargetKeys, defaults: Checking, loc: Loc) -> TargetSettings:
    """The target, but for its probe's own options."""
    if not isinstance(keys, RoundtripKeys):
        return _Resolution(reader, keys, defaults, loc).target()
    own, deadline = roundtrip_defaults(reader, keys, defaults, loc)
    target = _Resolution(reader, keys, own, loc).target()
    return replace(target, deadline=deadline, give_up=keys.give_up)


class _Resolution:
    """A target's keys over the defaults, and whether they go together."""

    def __init__(self, reader: Reader, keys: TargetKeys, defaults: Checking, loc: Loc) -> None:
        self._report = reader.report
        self._shared = reader.shared
        self._keys = keys
        self._defaults = defaults
        self._loc = loc

    def target(self) -> TargetSettings:
        """The target, but for its probe's own options."""
        interval: Duration = self._value("interval")
        timeout: Duration = self._value("timeout")
        confirm: Confirm
        recover: Recover
        confirm, recover = self._merged("confirm"), self._merged("recover")
        if not self._given("confirm", "interval"):
            confirm = confirm.model_copy(update={"interval": min(confirm.interval, interval)})
        if not self._given("recover", "interval"):
            recover = recover.model_copy(update={"interval": min(recover.interval, interval)})
        pulse: Duration | None = self._value("pulse")
        if not self._given("pulse") and pulse is not None and pulse >= interval:
            pulse = None
        stale_after: Duration = self._value("stale_after") or 2 * interval + timeout
        if timeout >= interval:
            self._refuse(("timeout",), timeout, "must be shorter than", interval)
        if confirm.interval > interval:
            self._refuse(("confirm", "interval"), confirm.interval, "must not be longer than", interval)
        if pulse is not None and pulse > interval:
            self._refuse(("pulse",), pulse, "must not be longer than", interval, "write off for none")
        if stale_after < interval:
            self._refuse(("stale_after",), stale_after, "must not be shorter than", interval)
        return TargetSettings(
            self._keys.name,
            self._keys.type,
            self._keys.counts,
            interval,
            timeout,
            self._shared(confirm),
            self._shared(recover),
            pulse,
            stale_after,
            Options(),
            login_backoff=self._shared(self._backoff()),
            max_logins=self._value("max_logins"),
        )

    def _backoff(self) -> LoginBackoff:
        backoff: LoginBackoff = self._merged("login_backoff")
        if backoff.max < backoff.after:
            longest, first = format_duration(backoff.max), format_duration(backoff.after)
            places = [
                (*loc, "login_backoff", key)
                for section, loc in ((self._keys, self._loc), (self._defaults, ("defaults",)))
                for key in ("max", "after")
                if self._set(section, ("login_backoff", key))
            ]
            self._report.add(places[0], f"login_backoff.max {longest} must not be shorter than after {first}")
        return backoff

    def _value(self, key: str) -> Any:
        return getattr(self._keys if key in self._keys.model_fields_set else self._defaults, key)

    def _merged(self, key: str) -> Any:
        own, base = getattr(self._keys, key), getattr(self._defaults, key)
        if key not in self._keys.model_fields_set:
            return base
        return base.model_copy(update={name: getattr(own, name) for name in own.model_fields_set})

    def _given(self, *path: str) -> bool:
        return self._set(self._keys, path) or self._set(self._defaults, path)

    @staticmethod
    def _set(section: Section, path: tuple[str, ...]) -> bool:
        """Whether a key was written, and not left to its default."""
        for name in path:
            if name not in section.model_fields_set:
                return False
            section = getattr(section, name)
        return True

    def _refuse(self, path: tuple[str, ...], value: Duration, must: str, limit: Duration, hint: str = "") -> None:
        """Note it where it can be mended: at the target's own key, else at the one in `defaults`."""
        message = f"{'.'.join(path)} {format_duration(value)} {must} interval {format_duration(limit)}"
        places: list[tuple[Section, Loc, tuple[str, ...]]] = [
            (self._keys, self._loc, path),
            (self._keys, self._loc, ("interval",)),
            (self._defaults, ("defaults",), path),
            (self._defaults, ("defaults",), ("interval",)),
        ]
        loc = next(((*base, *keys) for section, base, keys in places if self._set(section, keys)), self._loc)
        self._report.add(loc, message, hint or None)


def _members(reader: Reader, items: list[Item]) -> None:
    """Members must exist, be there once, and not contain the service itself."""
    graph = {name: _list(item, "members") for _, item in items if (name := _text(item, "name"))}
    for loc, item in items:
        if loc[0] == "fleets" and "rollups" in loc:
            continue  # a fleet's own services
        members = _list(item, "members")
        for index, member in enumerate(members):
            where = (*loc, "members", index)
            if not isinstance(member, str) or member not in graph:
                if isinstance(member, str):
                    reader.report.add(where, f"there is no service {quote(member)}", suggest(member, graph))
            elif member in members[:index]:
                reader.report.add(where, f"{quote(member)} is a member twice")
            elif _text(item, "name") in _reachable(member, graph):
                reader.report.add(where, f"{quote(_text(item, 'name') or '')} would be a member of itself")


def _reachable(name: str, graph: dict[str, list[Any]]) -> set[str]:
    """A service and everything below it."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one not in seen:
            seen.add(one)
            waiting += [member for member in graph.get(one, []) if isinstance(member, str)]
    return seen
