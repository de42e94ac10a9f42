"""Decides what stands in for metrics that the dashboards ask for and the daemon does not export yet.

Each goes as soon as the daemon exports its family: then the daemon's own samples are the ones that are asked for. The
names and labels are those of the contract.
"""

from collections.abc import Container, Iterator, Mapping

from monitor.core.instants import SECOND, Instant

_IMAP = 'sla_service="central",target="imap"'
_ROUND_TRIP = 'sla_service="central",target="delivery"'
_PHASE = 'protocol="imap",phase="total"'

SAMPLES: Mapping[str, tuple[str, ...]] = {
    "mailuptime_roundtrip_total": (
        f'{{{_ROUND_TRIP},result="delivered"}} {{seconds}}',
        f'{{{_ROUND_TRIP},result="late"}} 0',
    ),
    "mailuptime_mailbox_quota_used_ratio": (f"{{{_IMAP}}} 0.4",),
    "mailuptime_login_backoff_seconds": (f"{{{_IMAP}}} 90",),
    "mailuptime_self_test_success": ('{test="resolver"} 1', '{test="gateway"} 1'),
    "mailuptime_clock_synchronized": (" 1",),
    "mailuptime_tls_certificate_expiring": (f"{{{_IMAP}}} 1",),
    "mailuptime_tls_certificate_problem": (f'{{{_IMAP},problem="expired"}} 1',),
    "mailuptime_probe_expectation_met": (f"{{{_IMAP}}} 0",),
    "mailuptime_phase_duration_seconds_bucket": (
        f'{{{_PHASE},le="0.1"}} {{seconds}}',
        f'{{{_PHASE},le="+Inf"}} {{seconds}}',
    ),
}


def pending(exported: Container[str], at: Instant) -> Iterator[str]:
    """Lines of an exposition at an instant, for what is not exported; counters count seconds."""
    for name, lines in SAMPLES.items():
        if name not in exported:
            for line in lines:
                yield name + line.replace("{seconds}", str(at // SECOND))
