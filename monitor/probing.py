"""`/probe`: one check of a host that a request names, within bounds; nothing of it enters figures or ledger.

It must not become an open proxy: what is not admitted by name is judged by the addresses that it has, and only to
those is connected. It must not lock an account either: it waits until no other check logs in to it, and rests with it
after a refused log-in, be it the daemon's or its own. The daemon's checks do not rest for the sake of a request.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from math import isfinite
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote_plus, urlsplit

from pydantic import ValidationError

from monitor import withheld
from monitor.admission import Admission, split
from monitor.clock import Clock
from monitor.core.instants import SECOND, Instant
from monitor.endpoint import endpoint
from monitor.logins import Access, Logins, account_of
from monitor.runner import Result, Runner, Target, login_refused
from monitor.settings import Settings
from monitor.settings.modules import ModuleSettings
from probes import REGISTRY
from probes.base import Options, Probe, ProbeType, printable
from probes.session import resolvable

DEFAULT_MODULE = "http_2xx"
"""What blackbox_exporter takes where a request names none; here only if the configuration has one of this name."""
LONGEST = 120.0
"""Seconds for a request that comes without Prometheus' header."""
OFFSET = 0.5
"""Seconds by which the answer must be earlier than Prometheus' own time-out."""
LOGIN_PAUSE = 600.0
"""Seconds for which a refused log-in is not tried again."""
MOST_PAUSED = 1000
NAME = "/probe"


class RefusedProbeError(Exception):
    """A request that is not carried out: an HTTP status and one line."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """The parameters of `/probe` and Prometheus' time-out header, as they came."""

    target: str | None
    module: str | None
    hostname: str | None = None
    timeout: str | None = None


@dataclass(frozen=True, slots=True)
class Probed:
    """A result at the instant `at`, with the seconds that it had, and those until the next log-in where one is due."""

    module: ModuleSettings
    result: Result
    limit: float
    at: Instant
    paused: float = 0.0


class Probing:
    """`settings` gives those in force, `logins` how the daemon's own checks use the accounts."""

    def __init__(self, clock: Clock, settings: Callable[[], Settings], logins: Logins | None = None) -> None:
        self._clock = clock
        self._settings = settings
        self._logins = logins or Logins(clock)
        self._known: Settings | None = None
        self._admission = Admission(())
        self._busy = 0
        self._runner = Runner(clock, lambda _target: True)
        self._refused: dict[str, float] = {}  # accounts, and until when no request logs in to them

    async def probe(self, request: Request) -> Probed:
        """Check once. Raises RefusedProbeError."""
        settings = self._refreshed()
        module = _module(settings, request)
        limit = seconds_for(request.timeout, module)
        kind = REGISTRY[module.type]
        options = _options(kind, module, request)
        host, port = endpoint(options, kind)
        named = self._admission.by_name(host, port)
        refusal = _not_admitted(settings, host, port)
        if not named and not self._admission.has_networks:
            raise RefusedProbeError(403, refusal)
        access = _access(module, options, host)
        outside: list[str] = []
        steps = self._runner.steps(admits=None if named else self._judge(outside))
        with self._place(settings.probe.concurrency):
            async with self._turn(access, limit) as left:
                target = _target(module, kind, options, left)
                paused = self._paused(access)
                if access is not None and paused > 0:
                    why = f"no log-in to {access.account} for another {paused:.0f} s, since one was refused"
                    result = await withheld.check(self._runner, self._clock, target, why, steps)
                else:
                    result = await self._runner.run(target, steps=steps)
                    self._remember(access, result)
        if outside and result.evidence.address is None:
            raise RefusedProbeError(403, f"{refusal}: {', '.join(outside)}")
        return Probed(module, result, limit, self._clock.now(), paused)

    def _refreshed(self) -> Settings:
        """The settings; where they are new, with what depends on them."""
        settings = self._settings()
        if settings is not self._known:
            self._known = settings
            self._admission = admission_of(settings)
            self._refused.clear()  # the password may be another one
        return settings

    def _judge(self, outside: list[str]) -> Callable[[str], bool]:
        def admits(address: str) -> bool:
            inside = self._admission.by_address(address)
            if not inside:
                outside.append(address)
            return inside

        return admits

    @contextmanager
    def _place(self, most: int) -> Iterator[None]:
        if self._busy >= most:
            raise RefusedProbeError(503, f"{most} probes are at work already (probe.concurrency)")
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1

    @asynccontextmanager
    async def _turn(self, access: Access | None, limit: float) -> AsyncIterator[float]:
        """What is left of the limit once nobody is logged in to the account, or else, while it rests, all of it."""
        if access is None or self._paused(access) > 0:
            yield limit
            return
        began = self._clock.monotonic()
        try:
            async with asyncio.timeout(limit):
                await self._logins.enter(access)
        except TimeoutError:
            text = f"the account {access.account} was in use by other checks all the time"
            raise RefusedProbeError(503, text) from None
        try:
            left = limit - (self._clock.monotonic() - began)
            if left < limit / 4:  # too little to tell a slow server from a long wait
                raise RefusedProbeError(503, f"the account {access.account} was in use by other checks for too long")
            yield left
        finally:
            await self._logins.leave(access)

    def _paused(self, access: Access | None) -> float:
        """For how many seconds no request logs in to the account; 0 where one may."""
        if access is None:
            return 0.0
        until = max(self._refused.get(access.account, 0.0), self._logins.not_before(NAME, access))
        return max(until - self._clock.monotonic(), 0.0)

    def _remember(self, access: Access | None, result: Result) -> None:
        if access is None or not login_refused(result):
            return
        if len(self._refused) >= MOST_PAUSED:
            self._refused.pop(next(iter(self._refused)))
        self._refused[access.account] = self._clock.monotonic() + LOGIN_PAUSE


def seconds_for(header: str | None, module: ModuleSettings) -> float:
    """What Prometheus gives the scrape, less the offset, or the module's own time-out where that is shorter.

    Raises RefusedProbeError for what is no number, with the status that blackbox_exporter gives it.
    """
    try:
        given = float(header) if header else 0.0
    except ValueError:
        given = -1.0
    if not isfinite(given) or given < 0:
        raise RefusedProbeError(500, f"Failed to parse timeout from Prometheus header: {printable(header or '')}")
    most = min(given or LONGEST, LONGEST) - OFFSET
    own = LONGEST if module.timeout is None else module.timeout / SECOND
    return own if most <= 0 else min(own, most)


def admission_of(settings: Settings) -> Admission:
    """The allow-list, or where there is none the hosts that targets name."""
    if settings.probe.allow is not None:
        return Admission(settings.probe.allow)
    options = (target.options for service in settings.services for target in service.targets)
    return Admission.of_hosts(host for one in options if (host := _host(one)))


def _host(options: Any) -> str:
    if hasattr(options, "url"):
        return urlsplit(options.url).hostname or ""
    return getattr(options, "host", "")


def _module(settings: Settings, request: Request) -> ModuleSettings:
    name = request.module or DEFAULT_MODULE
    module = settings.modules.get(name)
    if module is None:
        raise RefusedProbeError(400, f'Unknown module "{printable(name)}"; known: {", ".join(settings.modules)}')
    return module


def _options(kind: ProbeType, module: ModuleSettings, request: Request) -> Options:
    """The module's options with the request's host. Raises RefusedProbeError for what is none."""
    target = unquote_plus(request.target or "").strip()  # Prometheus may have encoded it once more
    if not target:
        raise RefusedProbeError(400, "Target parameter is missing")
    try:
        values = {**module.options, **_place(kind, module, target)}
        if request.hostname:
            tls = values.get("tls", kind.Options.model_fields["tls"].default)
            name = tls.server_name or resolvable(request.hostname)
            values["tls"] = tls.model_copy(update={"server_name": name})
        return kind.Options(**values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        missing = first["type"] == "missing" and first["loc"] == ("port",)
        said = "names no port; write HOST:PORT" if missing else str(first["msg"]).removeprefix("Value error, ")
        raise RefusedProbeError(400, f'target "{printable(target)}": {said}') from None
    except ValueError as error:
        raise RefusedProbeError(400, f'target "{printable(target)}": {error}') from None


def _place(kind: ProbeType, module: ModuleSettings, target: str) -> dict[str, Any]:
    if "url" in kind.Options.model_fields:
        if "://" in target:
            return {"url": target}
        tls = module.options.get("tls", kind.Options.model_fields["tls"].default)
        return {"url": f"{'http' if tls.mode == 'none' else 'https'}://{target}"}
    host, port = split(target)
    return {"host": host} if port is None else {"host": host, "port": port}


def _target(module: ModuleSettings, kind: ProbeType, options: Options, limit: float) -> Target:
    try:
        probe: Probe = kind(options)
    except ValueError as error:  # such as a ca_file that is gone
        raise RefusedProbeError(500, f"module {module.name}: {error}") from None
    if module.depth == "banner":
        probe = SimpleNamespace(check=probe.pulse, pulse=probe.pulse, options=options)
    return Target(f"{NAME} {module.name}", kind.protocol, probe, round(limit * SECOND), 0)


def _access(module: ModuleSettings, options: Any, host: str) -> Access | None:
    """How it logs in, if at all: where nobody else does, so that the daemon's checks have the turns that are theirs."""
    login = getattr(options, "login", None)
    if login is None or module.depth == "banner":
        return None
    return Access(account_of(login.username, host), LOGIN_PAUSE, LOGIN_PAUSE, at_once=1)


def _not_admitted(settings: Settings, host: str, port: int | None) -> str:
    shown = f"{host}:{port}" if port else host
    rule = (
        "no target has this host, and there is no probe.allow" if settings.probe.allow is None else "not in probe.allow"
    )
    return f"{printable(shown)} may not be probed: {rule}"
