"""`use: service/target`: targets of other services, and every name that may be spoken of."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from monitor.settings.fields import quote
from monitor.settings.problems import Loc, suggest
from monitor.settings.reader import Reader
from monitor.settings.roundtrips import names_in

Item = tuple[Loc, Any]


@dataclass(frozen=True, slots=True)
class Names:
    """Services and targets by `service` and `service/target`; `used` is what a service uses by its own name for it."""

    known: Mapping[str, None]
    used: Mapping[str, str] = field(default_factory=dict)

    def __contains__(self, name: object) -> bool:
        return name in self.known

    def meant(self, name: str) -> str | None:
        """What was probably meant by a name that is none."""
        real = self.used.get(name)
        if real is not None:
            return f"it is used there, and is {real}" if real in self.known else "name it as it is declared"
        service, slash, _ = name.partition("/")
        if slash and service in self.known:
            return suggest(name, (one for one in self.known if one.startswith(f"{service}/")))
        return suggest(name, self.known)


def names_of(items: Iterable[Item]) -> Names:
    """What a scope or a use may name, as written: also what has problems of its own."""
    known: dict[str, None] = {}
    used: dict[str, str] = {}
    for _, service in items:
        name = service.get("name") if isinstance(service, dict) else None
        if not isinstance(name, str):
            continue
        known[name] = None
        for _, target in targets_in(service):
            known |= dict.fromkeys(f"{name}/{one}" for one in names_in(target))
            if other := _used(target):
                used[f"{name}/{other.rpartition('/')[2]}"] = other
    return Names(known, used)


def check_uses(reader: Reader, items: Iterable[Item], names: Names) -> None:
    """Whatever is used must be a target of another service, and once in a service."""
    for loc, service in items:
        own = service.get("name") if isinstance(service, dict) else None
        seen: set[str] = set()
        for index, target in targets_in(service):
            name = _used(target)
            if name is None or reader.report.crowded(loc):
                continue
            where = (*loc, "targets", index, "use")
            if name in seen:
                reader.report.add(where, f"{quote(name)} is used twice")
            elif "/" not in name:
                reader.report.add(where, f"{quote(name)} is no target", "write service/target")
            elif name.partition("/")[0] == own:
                reader.report.add(where, f"{quote(name)} would be a target of its own service", "use names another's")
            elif name not in names:
                reader.report.add(where, f"there is no target {quote(name)}", names.meant(name))
            seen.add(name)


def is_use(target: Any) -> bool:
    return isinstance(target, dict) and "use" in target


def targets_in(service: Any) -> Iterator[tuple[int, Any]]:
    targets = service.get("targets") if isinstance(service, dict) else None
    return enumerate(targets if isinstance(targets, list) else ())


def _used(target: Any) -> str | None:
    name = target.get("use") if isinstance(target, dict) else None
    return name.strip() if isinstance(name, str) else None
