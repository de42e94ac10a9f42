"""What `/probe` can be asked for: modules, which are targets without a host, and whom it may ask about."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator

from monitor.admission import Rule
from monitor.core.instants import Duration as Microseconds
from monitor.settings.fields import Kind, PositiveDuration, RefusedError, Text, count, name, quote, shape, written
from monitor.settings.problems import Loc, suggest
from monitor.settings.reader import Reader, Types
from monitor.settings.sections import Section
from probes.base import ProbeType

Depth = Literal["banner", "full"]

PLACE = ("host", "url", "port")
"""Options that a request's target takes the place of."""

BUILT_IN: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "tcp_connect": {"type": "tcp"},
        "tls_connect": {"type": "tcp", "tls": "implicit"},
        "smtp_banner": {"type": "smtp", "tls": "none", "depth": "banner"},
        "smtps_banner": {"type": "smtp", "tls": "implicit", "depth": "banner"},
        "smtp_starttls": {"type": "smtp", "tls": "starttls", "expect": {"capabilities": ["AUTH"]}},
        "submission_starttls": {"type": "submission", "tls": "starttls"},
        "imap_banner": {"type": "imap", "tls": "none", "depth": "banner"},
        "imaps_banner": {"type": "imap", "tls": "implicit", "depth": "banner"},
        "imap_starttls": {"type": "imap", "tls": "starttls"},
        "pop3_banner": {"type": "pop3", "tls": "none", "depth": "banner"},
        "pop3s_banner": {"type": "pop3", "tls": "implicit", "depth": "banner"},
        "pop3_starttls": {"type": "pop3", "tls": "starttls"},
        "sieve_starttls": {"type": "sieve", "tls": "starttls"},
    }
)
"""Modules by the names that blackbox_exporter's users know, and their siblings. A module of the file goes first.

Its example's `smtp_starttls` waits for AUTH behind TLS, so ours demands it.
"""


def _rule(value: Any) -> Rule:
    text = written(value, "a host or a network")
    try:
        return Rule.parse(text)
    except ValueError as error:
        raise RefusedError(
            str(error), "as in mail.example.go.th, mail.example.go.th:993, *.go.th, 10.0.0.0/8"
        ) from None


Allowed = Annotated[Rule, PlainValidator(_rule), Kind("host, host:port, *.domain or network")]
AtOnce = Annotated[int, count(1, 1000), Kind("whole number", "checks")]


class ProbeSettings(Section):
    """Who may be probed by a request to `/probe`, and how many at once."""

    allow: tuple[Allowed, ...] | None = Field(
        None,
        description="What may be probed: a host with any port or with one, everything below a domain, or a network, "
        "in which the addresses that a name has must lie. By default the hosts that targets name.",
        examples=["[mail.example.go.th, 'mx.example.go.th:25', '*.example.go.th', 192.0.2.0/24]"],
    )
    concurrency: AtOnce = Field(
        16, description="Probes at once; a request beyond is answered 503 at once.", examples=["16"]
    )


class ModuleKeys(Section):
    """What a request to `/probe` can ask for by name: a target without its host, which the request names."""

    type: Text = Field(description="What probes it.", examples=["imap"])
    timeout: PositiveDuration | None = Field(
        None,
        description="For one whole check; by default what Prometheus gives it, less half a second, at most 120 s.",
        examples=["5s"],
    )
    depth: Depth = Field(
        "full",
        description="`banner`: connect, TLS and greeting; `full`: as a target of this type is checked.",
        examples=["banner"],
    )


@dataclass(frozen=True, slots=True)
class ModuleSettings:
    """A module; `timeout` in microseconds, `options` the validated ones without those of `PLACE` it leaves open."""

    name: str
    type: str
    timeout: Microseconds | None
    depth: Depth
    options: Mapping[str, Any]


def read_modules(reader: Reader, tree: dict[str, Any]) -> dict[str, ModuleSettings]:
    """Those of the file over those that come with the program; problems are in the report."""
    given = tree.get("modules")
    if given is not None and not isinstance(given, dict):
        reader.report.add(("modules",), f"a mapping is expected, not {shape(given)}")
        given = None
    found = [_module(reader, key, item, ("modules", key)) for key, item in (given or {}).items()]
    return built_in(reader.types) | {module.name: module for module in found if module is not None}


def built_in(types: Types) -> dict[str, ModuleSettings]:
    """Those that come with the program, of the types that are known."""
    known = {name: types.get(tree["type"]) for name, tree in BUILT_IN.items()}
    return {
        name: _built_in(name, probe)  # type: ignore[arg-type]  # a class
        for name, probe in known.items()
        if probe is not None
    }


@cache
def _built_in(called: str, probe: ProbeType) -> ModuleSettings:
    tree = dict(BUILT_IN[called])
    kind, depth, place = tree.pop("type"), tree.pop("depth", "full"), _place(probe, tree) or {}
    options = probe.Options.model_validate({**place, **tree})
    return ModuleSettings(called, kind, None, depth, {key: getattr(options, key) for key in tree})


def _module(reader: Reader, called: str, tree: Any, loc: Loc) -> ModuleSettings | None:
    try:
        name(called)
    except RefusedError as error:
        reader.report.add(loc, str(error), error.hint, at="key")
        return None
    if not isinstance(tree, Mapping):
        reader.report.add(loc, f"a mapping is expected, not {shape(tree)}")
        return None
    own = tuple(ModuleKeys.model_fields)
    keys = reader.model(ModuleKeys, {key: item for key, item in tree.items() if key in own}, loc)
    rest = {key: item for key, item in tree.items() if key not in own}
    found = None if keys is None else _probe(reader, keys.type, rest, loc)
    if keys is None or found is None:
        return None
    probe, place = found
    for key in place.keys() & rest.keys():
        reader.report.add((*loc, key), "is named by each request, in target", at="key")
    options = reader.options(probe.Options, {**place, **rest}, loc, own)
    if options is None:
        return None
    if keys.depth == "banner" and getattr(options, "login", None) is not None:
        reader.report.add((*loc, "login"), "depth: banner ends before the log-in", "leave one of them out", at="key")
    if getattr(options, "browser", None) is not None:
        text = "a browser connects where it likes, so that no allow-list holds: have a target do it"
        reader.report.add((*loc, "browser"), text, at="key")
    fixed = {key: getattr(options, key) for key in options.model_fields_set - place.keys()}
    return ModuleSettings(called, keys.type, keys.timeout, keys.depth, fixed)


def _probe(reader: Reader, kind: str, rest: dict[str, Any], loc: Loc) -> tuple[ProbeType, dict[str, str]] | None:
    """What probes it, and what stands in for the target while its other options are validated."""
    probe = reader.types.get(kind)
    if probe is None:
        known = suggest(kind, reader.types)
        reader.report.add((*loc, "type"), f"unknown probe type {quote(kind)}", known)
        return None
    place = _place(probe, rest)
    if place is None:
        reader.report.add((*loc, "type"), f"a module cannot be of type {kind}: it has no host of its own")
        return None
    return probe, place


def _place(probe: ProbeType, rest: dict[str, Any]) -> dict[str, str] | None:
    """A host or address of no meaning; None where the probe's options have neither."""
    known = probe.Options.model_fields
    if "url" in known:
        given = rest.get("tls")
        mode = given.get("mode") if isinstance(given, dict) else given
        return {"url": "http://localhost/" if mode == "none" else "https://localhost/"}
    if "host" not in known:
        return None
    needed = "port" in known and known["port"].is_required() and "port" not in rest
    return {"host": "localhost", **({"port": "1"} if needed else {})}
