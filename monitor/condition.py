"""What a running daemon says of its own condition, for `mailuptime doctor`."""

from collections.abc import Iterable, Mapping
from zoneinfo import ZoneInfo

from monitor import __version__
from monitor.core.check import Outcome
from monitor.core.instants import DAY, SECOND, Instant, format_instant
from monitor.figures import Document
from monitor.live import Live
from monitor.metrics import Health

UTC = ZoneInfo("UTC")
REFUSED = frozenset({"auth", "credential"})


def condition_of(
    health: Health, lives: Mapping[str, Live], unready: Iterable[str], resting: Mapping[str, float], now: Instant
) -> Document:
    failing = {
        name: str(live.last.check.cause)
        for name, live in lives.items()
        if live.last is not None and live.last.check.outcome is not Outcome.UP and live.last.check.cause in REFUSED
    }
    return {
        "version": __version__,
        "unready": list(unready),
        "configured": health.configured,
        "pending": health.pending,
        "targets": len(lives),
        "logins": sum(live.target.access is not None for live in lives.values()),
        "self_tests": dict(health.self_tests),
        "notifications": dict(health.notifications),
        "resting": {account: round(left, 3) for account, left in resting.items()},
        "refused": failing,
        "certificates": list(_certificates(lives, now)),
    }


def _certificates(lives: Mapping[str, Live], now: Instant) -> Iterable[Document]:
    for name, live in lives.items():
        certificate = None if live.presented is None else live.presented.evidence.certificate
        if certificate is not None:
            end = round(certificate.not_after * SECOND)
            yield {
                "target": name,
                "not_after": format_instant(end, UTC),
                "expiring": end - now < live.target.min_days_left * DAY,
                "problem": certificate.problem,
            }
