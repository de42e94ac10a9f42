"""Security facts of the configured servers and domains, asked now and then; no figure depends on them."""

import asyncio
import ssl
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from monitor.clock import Clock
from monitor.core.instants import SECOND, Instant
from monitor.metrics import SecurityFact
from monitor.runner import Target
from monitor.settings.security import SecuritySettings
from probes.posture import dane, policy, servers
from probes.posture.domain import Domain
from probes.posture.facts import Fact, Verdict
from probes.posture.lookup import Lookup
from probes.session import MailProbe

AT_ONCE = 4

log = structlog.get_logger("posture")


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact of a target (`service/target`) or of a domain, as of an instant."""

    subject: str
    domain: bool
    fact: Fact
    at: Instant


class Posture:
    """`findings` are the last of each subject."""

    def __init__(self, clock: Clock, security: SecuritySettings, targets: Mapping[str, Target]) -> None:
        self._clock = clock
        self._places = asyncio.Semaphore(AT_ONCE)
        self._changed = asyncio.Event()
        self.change(security, targets)
        self.findings: tuple[Finding, ...] = ()
        self.surveyed: Instant | None = None

    def change(self, security: SecuritySettings, targets: Mapping[str, Target]) -> None:
        """Ask by other settings from now on."""
        self._security = security
        self._targets = {
            name: target.probe
            for name, target in targets.items()
            if isinstance(target.probe, MailProbe) and {name, name.partition("/")[0]} & set(security.targets)
        }
        self._changed.set()

    async def run(self) -> None:
        """Ask everything at once, then every `interval`, and at once again when the settings change."""
        while True:
            self._changed.clear()
            self._take(await self.survey())
            try:
                async with asyncio.timeout(self._security.interval / SECOND):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def survey(self) -> tuple[Finding, ...]:
        """Every fact once."""
        lookup = Lookup(self._security.nameservers)
        asked = [
            self._asked(name, servers.facts(probe, self._clock.monotonic)) for name, probe in self._targets.items()
        ]
        asked += [self._asked(name, self._domain(name, lookup).facts(), domain=True) for name in self._security.domains]
        return tuple(finding for found in await asyncio.gather(*asked) for finding in found)

    def _domain(self, name: str, lookup: Lookup) -> Domain:
        chain = policy.presented(self._clock.monotonic)
        fetched = (
            policy.fetched(self._clock.monotonic, ssl.create_default_context) if self._security.mta_sts_policy else None
        )

        async def tlsa(host: str, lookup: Lookup) -> Fact:
            return await dane.tlsa(host, lookup, chain)

        return Domain(name, lookup, self._security.dnsbl, tlsa, fetched)

    async def _asked(self, subject: str, question: Awaitable[Sequence[Fact]], *, domain: bool = False) -> list[Finding]:
        async with self._places:
            facts = await question
        now = self._clock.now()
        return [Finding(subject, domain, fact, now) for fact in facts]

    def _take(self, findings: tuple[Finding, ...]) -> None:
        """Log what has become bad, or good again, since the last time."""
        before = {_key(one): one.fact.verdict for one in self.findings}
        self.findings = findings
        self.surveyed = self._clock.now() if findings else None
        for one in findings:
            verdict, last = one.fact.verdict, before.get(_key(one))
            if verdict is not last and (verdict is Verdict.BAD or last is Verdict.BAD):
                say = log.warning if verdict is Verdict.BAD else log.info
                say(
                    "security.fact_changed",
                    subject=one.subject,
                    fact=one.fact.name,
                    verdict=verdict.value,
                    detail=one.fact.detail,
                )

    @property
    def exported(self) -> tuple[SecurityFact, ...]:
        """What is known, as it is exported."""
        known = [one for one in self.findings if one.fact.verdict is not Verdict.UNKNOWN]
        return tuple(
            SecurityFact(one.subject, one.domain, one.fact.name, one.fact.verdict is Verdict.GOOD) for one in known
        )


def _key(finding: Finding) -> tuple[str, bool, str]:
    return finding.subject, finding.domain, finding.fact.name


def document(finding: Finding) -> dict[str, Any]:
    """As the command lists it."""
    return {
        "subject": finding.subject,
        "kind": "domain" if finding.domain else "target",
        "fact": finding.fact.name,
        "verdict": finding.fact.verdict.value,
        "detail": finding.fact.detail,
    }
