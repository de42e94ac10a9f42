"""Decides what stands in for what scripted probes cannot bring about: canaries, refused accounts, and messages.

Names and labels are those of `monitor.metrics.names`; as soon as the daemon in the scene exports a family, its own
samples are the ones that are asked for.
"""

from collections.abc import Container, Iterator, Mapping

from monitor.core.instants import SECOND, Instant

_IMAP = 'sla_service="central",target="imap"'
_ROUND_TRIP = 'sla_service="central",target="delivery"'

SAMPLES: Mapping[str, tuple[str, ...]] = {
    "mailuptime_roundtrip_total": (
        f'{{{_ROUND_TRIP},result="delivered"}} {{seconds}}',
        f'{{{_ROUND_TRIP},result="late"}} 0',
    ),
    "mailuptime_login_backoff_seconds": (f"{{{_IMAP}}} 90",),
    "mailuptime_self_test_success": ('{test="resolver"} 1', '{test="gateway"} 1'),
}


def standins(exported: Container[str], at: Instant) -> Iterator[str]:
    """Lines of an exposition at an instant, for what is not exported; counters count seconds."""
    for name, lines in SAMPLES.items():
        if name not in exported:
            for line in lines:
                yield name + line.replace("{seconds}", str(at // SECOND))
