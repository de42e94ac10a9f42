"""The configuration: YAML to validated settings, with every problem at once (`file:line:col: key: message; hint`)."""

from pathlib import Path
from typing import Any

from monitor.settings.crosschecks import check, check_exclusion, check_window
from monitor.settings.loader import LISTS, SECTIONS, Loader, ProbeTypes, Settings
from monitor.settings.models import Defaults, ExclusionSettings, SlaSettings, WindowSettings
from monitor.settings.nodes import Document, Loc, Tree, read
from monitor.settings.problems import ConfigurationError, Problem, did_you_mean
from monitor.settings.secrets import SecretError, SecretReference
from probes import REGISTRY

__all__ = [
    "ConfigurationError",
    "Problem",
    "Settings",
    "load",
    "load_exclusions",
    "load_maintenance",
    "load_secrets",
]


def load(path: Path, types: ProbeTypes = REGISTRY) -> Settings:
    """Read and check a configuration; opens nothing else. Raises ConfigurationError with every problem."""
    document = read(path)
    tree = document.tree
    if not document.problems and not isinstance(tree, dict):
        document.problems.append(document.problem((), "a mapping of keys is expected"))
    if not isinstance(tree, dict):
        raise ConfigurationError(document.problems)
    for key in tree:
        if key not in SECTIONS and key not in LISTS:
            hint = did_you_mean(key, (*SECTIONS, *LISTS))
            document.problems.append(document.problem((key,), "unknown key", hint, at_key=True))
    loader = Loader(document, types, SlaSettings().timezone)  # type: ignore[call-arg] # every key has a default
    sections = {name: loader.section(name, tree) for name in SECTIONS if name in {"sla", "defaults"}}
    if sections["sla"] is not None:
        loader.zone = sections["sla"].timezone
    sections |= {name: loader.section(name, tree) for name in SECTIONS if name not in sections}
    lists = _lists(loader, tree, sections["defaults"] or Defaults())  # type: ignore[call-arg]
    if document.problems:
        raise ConfigurationError(document.problems)
    settings = Settings(document, **sections, **lists)
    document.problems += [document.problem(*found) for found in check(settings)]
    if document.problems:
        raise ConfigurationError(document.problems)
    return settings


def _lists(loader: Loader, tree: dict[str, Tree], defaults: Defaults) -> dict[str, Any]:
    services = [loader.service(item, loc, defaults) for loc, item in loader.items(tree, "services")]
    maintenance = [loader.model(WindowSettings, item, loc) for loc, item in loader.items(tree, "maintenance")]
    exclusions = [loader.model(ExclusionSettings, item, loc) for loc, item in loader.items(tree, "exclusions")]
    self_test = [str(item) for _, item in loader.items(tree, "self_test")]
    return {
        "services": tuple(one for one in services if one is not None),
        "maintenance": tuple(one for one in maintenance if one is not None),
        "exclusions": tuple(one for one in exclusions if one is not None),
        "self_test": tuple(self_test),
    }


def load_maintenance(path: Path, settings: Settings) -> tuple[WindowSettings, ...]:
    """Read a bare list of windows. Raises ConfigurationError."""
    document, items = _bare_list(path)
    loader = Loader(document, {}, settings.zone)
    made = [loader.model(WindowSettings, item, loc) for loc, item in items]
    windows = tuple(one for one in made if one is not None)
    if not document.problems:
        found = [f for number, one in enumerate(windows) for f in check_window((number,), one, settings)]
        document.problems += [document.problem(*one) for one in found]
    if document.problems:
        raise ConfigurationError(document.problems)
    return windows


def load_exclusions(path: Path, settings: Settings) -> tuple[ExclusionSettings, ...]:
    """Read a bare list of exclusions. Raises ConfigurationError."""
    document, items = _bare_list(path)
    loader = Loader(document, {}, settings.zone)
    made = [loader.model(ExclusionSettings, item, loc) for loc, item in items]
    exclusions = tuple(one for one in made if one is not None)
    if not document.problems:
        found = [f for number, one in enumerate(exclusions) for f in check_exclusion((number,), one, settings)]
        document.problems += [document.problem(*one) for one in found]
    if document.problems:
        raise ConfigurationError(document.problems)
    return exclusions


def _bare_list(path: Path) -> tuple[Document, list[tuple[Loc, Tree]]]:
    document = read(path)
    if document.tree is None:
        return document, []
    if not isinstance(document.tree, list):
        document.problems.append(document.problem((), "a list is expected"))
        return document, []
    return document, [((number,), item) for number, item in enumerate(document.tree)]


def load_secrets(settings: Settings) -> None:
    """Read every password that the configuration refers to. Raises ConfigurationError with each that fails."""
    problems: list[Problem] = []
    for number, service in enumerate(settings.services):
        for place, target in enumerate(service.targets):
            secret = getattr(getattr(target.options, "login", None), "password", None)
            if isinstance(secret, SecretReference):
                try:
                    secret.load()
                except SecretError as error:
                    loc = ("services", number, "targets", place, "login", "password")
                    problems.append(settings.document.problem(loc, str(error)))
    if problems:
        raise ConfigurationError(problems)
