"""The configuration: a file in, validated settings out, or every problem at once.

Nothing but the file itself is opened: no socket, no name is looked up, no password read. `load_secrets` does that.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from monitor.settings.fields import Context, SelfTest, shape
from monitor.settings.incidents import CalendarSettings, IncidentsSettings
from monitor.settings.models import (
    Defaults,
    ExclusionSettings,
    MaintenancePolicy,
    ServiceSettings,
    TopLevel,
    WindowSettings,
)
from monitor.settings.modules import ModuleSettings, ProbeSettings, read_modules
from monitor.settings.nodes import Document, read
from monitor.settings.notify import NotifySettings, report_urls
from monitor.settings.problems import ConfigurationError, Loc, Mark, Problem, Report, suggest
from monitor.settings.reader import Placed, Reader, Types
from monitor.settings.report import ReportSettings, report_problems
from monitor.settings.secrets import SecretError, SecretReference
from monitor.settings.sections import (
    ControlSettings,
    LedgerSettings,
    LogSettings,
    MetricsSettings,
    Section,
    SlaSettings,
    WebSettings,
)
from monitor.settings.security import SecuritySettings, report_targets
from monitor.settings.services import read_services, service_items
from monitor.settings.status import StatusSettings, report_status
from monitor.settings.uses import Names, names_of
from monitor.settings.windows import read_exclusions, read_windows
from probes import REGISTRY

__all__ = [
    "ConfigurationError",
    "Problem",
    "SecretError",
    "SecretReference",
    "Settings",
    "load",
    "load_exclusions",
    "load_maintenance",
    "load_secrets",
    "read_exclusion",
    "read_maintenance",
]

R = TypeVar("R")

SECTIONS: dict[str, type[Section]] = {
    "sla": SlaSettings,
    "ledger": LedgerSettings,
    "web": WebSettings,
    "status": StatusSettings,
    "control": ControlSettings,
    "metrics": MetricsSettings,
    "log": LogSettings,
    "probe": ProbeSettings,
    "defaults": Defaults,
    "maintenance_policy": MaintenancePolicy,
    "security": SecuritySettings,
    "notify": NotifySettings,
    "calendar": CalendarSettings,
    "incidents": IncidentsSettings,
    "report": ReportSettings,
}
LISTS = ("self_test", "services", "fleets", "maintenance", "exclusions")
NAMED = ("modules",)
PLAIN = ("workers",)


@dataclass(frozen=True, slots=True)
class Settings:
    """A configuration without a problem."""

    path: Path
    sla: SlaSettings
    ledger: LedgerSettings
    web: WebSettings
    status: StatusSettings
    control: ControlSettings
    metrics: MetricsSettings
    log: LogSettings
    probe: ProbeSettings
    defaults: Defaults
    maintenance_policy: MaintenancePolicy
    security: SecuritySettings
    notify: NotifySettings
    calendar: CalendarSettings
    incidents: IncidentsSettings
    report: ReportSettings
    self_test: tuple[SelfTest, ...]
    workers: int
    services: tuple[ServiceSettings, ...]
    maintenance: tuple[WindowSettings, ...]
    exclusions: tuple[ExclusionSettings, ...]
    modules: Mapping[str, ModuleSettings]
    secrets: tuple[Placed, ...] = field(repr=False, compare=False)

    @property
    def zone(self) -> ZoneInfo:
        return self.sla.timezone

    def load_secrets(self) -> None:
        """Read every password that is referred to. Raises ConfigurationError with each that cannot be read."""
        report = Report(str(self.path))
        for placed in self.secrets:
            try:
                placed.secret.load()
            except SecretError as error:
                report.add_at(placed.place, str(error))
        report.stop()

    def names(self) -> Names:
        """What a scope may name."""
        targets = (f"{service.name}/{target.name}" for service in self.services for target in service.targets)
        used = {f"{one.name}/{name.rpartition('/')[2]}": name for one in self.services for name, _ in one.uses}
        return Names(dict.fromkeys([*(service.name for service in self.services), *targets]), used)


def load(path: Path, registry: Types = REGISTRY) -> Settings:
    """Read a configuration. Raises ConfigurationError with all its problems."""
    document = read(path, "name the configuration with -c")
    report, tree = document.report, {} if document.root is None else document.root
    if not isinstance(tree, dict):
        report.add((), f"a mapping is expected, not {shape(tree)}")
        raise ConfigurationError(report.problems)
    for key in tree:
        if key not in (known := (*SECTIONS, *LISTS, *NAMED, *PLAIN)):
            report.add((key,), "unknown key", suggest(key, known), at="key")
    context = Context(ZoneInfo("UTC"), path.absolute().parent)
    reader = Reader(document, context, registry)
    sla = reader.section(SlaSettings, tree, "sla") or SlaSettings.model_construct()
    reader.context = replace(context, zone=sla.timezone)
    settings = _settings(reader, tree, path, sla)
    report.stop()
    return settings


def _settings(reader: Reader, tree: dict[str, Any], path: Path, sla: SlaSettings) -> Settings:
    """Every part of the file; where one has a problem, its defaults stand in, so that the rest is checked too."""
    made: dict[str, Any] = {"sla": sla}
    for name, kind in SECTIONS.items():
        if name not in made:
            made[name] = reader.section(kind, tree, name) or kind.model_construct()
    listed = {key: tree[key] for key in TopLevel.model_fields if key in tree}
    top_level = reader.model(TopLevel, listed, ()) or TopLevel.model_construct()
    items = service_items(reader, tree)
    names = names_of(items)
    report_targets(reader, made["security"], names)
    report_urls(reader, made["notify"])
    report_problems(reader, made["report"], names)
    report_status(reader, made["status"], names)
    return Settings(
        path=path,
        **made,
        self_test=top_level.self_test,
        workers=top_level.workers,
        services=read_services(reader, items, made["defaults"], names),
        maintenance=read_windows(reader, reader.items(tree, "maintenance"), names),
        exclusions=read_exclusions(reader, reader.items(tree, "exclusions"), names),
        modules=read_modules(reader, tree),
        secrets=tuple(reader.secrets),
    )


def load_secrets(settings: Settings) -> None:
    """As `Settings.load_secrets`."""
    settings.load_secrets()


def load_maintenance(path: Path, settings: Settings) -> tuple[WindowSettings, ...]:
    """Read a bare list of windows, YAML or JSON. Raises ConfigurationError."""
    reader, items = _recorded(path, settings)
    windows = read_windows(reader, items, settings.names())
    reader.report.stop()
    return windows


def load_exclusions(path: Path, settings: Settings) -> tuple[ExclusionSettings, ...]:
    """Read a bare list of exclusions, YAML or JSON. Raises ConfigurationError."""
    reader, items = _recorded(path, settings)
    exclusions = read_exclusions(reader, items, settings.names())
    reader.report.stop()
    return exclusions


def _recorded(path: Path, settings: Settings) -> tuple[Reader, list[tuple[Loc, Any]]]:
    document = read(path, "name a list of declarations")
    reader = Reader(document, Context(settings.zone, path.absolute().parent, recorded=True), {})
    root = [] if document.root is None else document.root
    if not isinstance(root, list):
        document.report.add((), f"a list is expected, not {shape(root)}")
        return reader, []
    return reader, [((index,), item) for index, item in enumerate(root)]


def read_maintenance(request: dict[str, Any], settings: Settings) -> WindowSettings:
    """One window from keys and texts, as a command gives it. Raises ConfigurationError, its path `maintenance`."""
    return _requested("maintenance", request, settings, read_windows)


def read_exclusion(request: dict[str, Any], settings: Settings) -> ExclusionSettings:
    """One exclusion from keys and texts. Raises ConfigurationError, its path `exclusion`."""
    return _requested("exclusion", request, settings, read_exclusions)


def _requested(what: str, request: dict[str, Any], settings: Settings, read_them: Callable[..., tuple[R, ...]]) -> R:
    places: dict[Loc, Mark] = {
        (key,): Mark(1, 1) for key in request
    }  # so that a problem names the key; the place itself is dropped
    report = Report(what, places, places)
    reader = Reader(Document(request, report), Context(settings.zone, settings.path.absolute().parent), {})
    found = read_them(reader, [((), request)], settings.names())
    if report.problems:
        raise ConfigurationError([replace(problem, mark=None) for problem in report.problems])
    return found[0]
