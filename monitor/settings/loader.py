"""From a file to settings: every section through its model, every problem with its place, nothing raised half-way."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError

from monitor.settings.models import (
    Confirm,
    ControlSettings,
    Defaults,
    ExclusionSettings,
    LedgerSettings,
    LogSettings,
    MaintenancePolicy,
    MetricsSettings,
    Recover,
    ServiceKeys,
    ServiceSettings,
    SlaSettings,
    TargetKeys,
    TargetSettings,
    WebSettings,
    WindowSettings,
)
from monitor.settings.nodes import Document, Loc, Tree
from monitor.settings.problems import did_you_mean
from monitor.settings.values import Model
from probes.base import Options

M = TypeVar("M", bound=BaseModel)
ProbeTypes = Mapping[str, Any]

SECTIONS: dict[str, type[Model]] = {
    "sla": SlaSettings,
    "ledger": LedgerSettings,
    "web": WebSettings,
    "control": ControlSettings,
    "metrics": MetricsSettings,
    "log": LogSettings,
    "defaults": Defaults,
    "maintenance_policy": MaintenancePolicy,
}
LISTS = ("self_test", "services", "maintenance", "exclusions")

_PLAIN = {
    "missing": "is required",
    "model_type": "a mapping of keys is expected",
    "model_attributes_type": "a mapping of keys is expected",
    "dict_type": "a mapping of keys is expected",
    "string_type": "text is expected",
    "list_type": "a list is expected",
    "tuple_type": "a list is expected",
    "int_parsing": "a whole number is expected",
    "int_type": "a whole number is expected",
    "path_type": "a path is expected",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """A whole configuration that is well."""

    document: Document
    sla: SlaSettings
    ledger: LedgerSettings
    web: WebSettings
    control: ControlSettings
    metrics: MetricsSettings
    log: LogSettings
    defaults: Defaults
    maintenance_policy: MaintenancePolicy
    self_test: tuple[str, ...]
    services: tuple[ServiceSettings, ...]
    maintenance: tuple[WindowSettings, ...]
    exclusions: tuple[ExclusionSettings, ...]

    @property
    def path(self) -> Path:
        return self.document.path

    @property
    def zone(self) -> ZoneInfo:
        return self.sla.timezone


@dataclass(slots=True)
class Loader:
    """Reads one document; what cannot be read is a problem in the document and None here."""

    document: Document
    types: ProbeTypes
    zone: ZoneInfo
    services: dict[int, ServiceSettings] = field(default_factory=dict)

    def model(self, kind: type[M], tree: Tree, loc: Loc, known: tuple[str, ...] = ()) -> M | None:
        """Validate a mapping; `known` are further keys for the hint at a misspelt one."""
        try:
            return kind.model_validate(tree, context={"zone": self.zone})
        except ValidationError as error:
            for one in error.errors(include_url=False, include_input=False):
                self._report(kind, one, loc, known)
            return None

    def _report(self, kind: type[M], error: Any, loc: Loc, known: tuple[str, ...]) -> None:
        here: Loc = (*loc, *error["loc"])
        if error["type"] == "extra_forbidden":
            owner = _model_at(kind, error["loc"][:-1])
            keys = (*owner.model_fields, *(known if len(error["loc"]) == 1 else ()))
            problem = self.document.problem(here, "unknown key", did_you_mean(str(here[-1]), keys), at_key=True)
        elif error["type"] == "literal_error":
            expected = str(error["ctx"]["expected"]).replace("'", "").replace(" or ", ", ")
            problem = self.document.problem(here, f"one of {expected} is expected")
        elif error["type"] == "string_pattern_mismatch":
            problem = self.document.problem(here, f"does not match {error['ctx']['pattern'].strip('^$')}")
        else:
            message = _PLAIN.get(error["type"], str(error["msg"]).removeprefix("Value error, "))
            problem = self.document.problem(here, message[:1].lower() + message[1:])
        self.document.problems.append(problem)

    def section(self, name: str, tree: dict[str, Tree]) -> Any:
        given = tree.get(name)
        return self.model(SECTIONS[name], {} if given is None else given, (name,))

    def items(self, tree: dict[str, Tree], name: str, loc: Loc = ()) -> list[tuple[Loc, Tree]]:
        """The items of a list, each with its place; a problem where it is none."""
        given = tree.get(name)
        if given is None:
            return []
        if not isinstance(given, list):
            self.document.problems.append(self.document.problem((*loc, name), "a list is expected"))
            return []
        return [((*loc, name, number), item) for number, item in enumerate(given)]

    def service(self, tree: Tree, loc: Loc, defaults: Defaults) -> ServiceSettings | None:
        if not isinstance(tree, dict):
            self.document.problems.append(self.document.problem(loc, "a mapping of keys is expected"))
            return None
        plain = {key: value for key, value in tree.items() if key != "targets"}
        keys = self.model(ServiceKeys, plain, loc, ("targets",))
        made = [self.target(item, where, defaults) for where, item in self.items(tree, "targets", loc)]
        targets = tuple(target for target in made if target is not None)
        if keys is None or len(targets) != len(made):
            return None
        return ServiceSettings(
            keys.name, keys.title, keys.since, keys.until, keys.sla, keys.down_when, targets, keys.members
        )

    def target(self, tree: Tree, loc: Loc, defaults: Defaults) -> TargetSettings | None:
        if not isinstance(tree, dict):
            self.document.problems.append(self.document.problem(loc, "a mapping of keys is expected"))
            return None
        kind = tree.get("type")
        probe = self.types.get(kind) if isinstance(kind, str) else None
        own = TargetKeys.model_fields
        options_keys = tuple(probe.Options.model_fields) if probe else ()
        # Of an unknown type every other key is let pass: its problem is the type.
        plain = {key: value for key, value in tree.items() if key in own or (probe and key not in options_keys)}
        keys = self.model(TargetKeys, plain, loc, options_keys)
        if isinstance(kind, str) and probe is None:
            hint = did_you_mean(kind, self.types)
            known = "" if hint.startswith("known") else f"; known: {', '.join(self.types)}"
            message = f'unknown probe type "{kind}"{known}'
            self.document.problems.append(self.document.problem((*loc, "type"), message, hint))
        if probe is None:
            return None
        given = {key: value for key, value in tree.items() if key in options_keys}
        options: Options | None = self.model(probe.Options, given, loc)
        if keys is None or options is None:
            return None
        return filled(keys, options, defaults, pulse_given="pulse" in tree)


def filled(keys: TargetKeys, options: Options, defaults: Defaults, *, pulse_given: bool) -> TargetSettings:
    """A target's keys over the defaults."""
    interval = keys.interval or defaults.interval
    timeout = keys.timeout or defaults.timeout
    return TargetSettings(
        name=keys.name,
        type=keys.type,
        counts=keys.counts,
        interval=interval,
        timeout=timeout,
        confirm=Confirm(
            failures=keys.confirm.failures or defaults.confirm.failures,
            interval=keys.confirm.interval or defaults.confirm.interval,
        ),
        recover=Recover(
            successes=keys.recover.successes or defaults.recover.successes,
            interval=keys.recover.interval or defaults.recover.interval,
        ),
        pulse=keys.pulse if pulse_given else defaults.pulse,
        stale_after=keys.stale_after or defaults.stale_after or 2 * interval + timeout,
        options=options,
    )


def _model_at(kind: type[Any], loc: Loc) -> type[Any]:
    """The model that an error's path leads to."""
    for part in loc:
        field_info = getattr(kind, "model_fields", {}).get(part)
        if field_info is None:
            continue
        inner = [one for one in (field_info.annotation, *getattr(field_info.annotation, "__args__", ())) if one]
        kind = next((one for one in inner if hasattr(one, "model_fields")), kind)
    return kind
