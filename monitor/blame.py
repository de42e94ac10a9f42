"""Whose fault a failed check is: the service's (`down`) or the monitor's (`unknown`).

One table, total over the causes (a test sees to it). `auth` is the service's fault only where that very credential
has worked before; the runner turns it into `credential` otherwise.
"""

from collections.abc import Mapping
from types import MappingProxyType

from monitor.core.check import Outcome
from probes.errors import Cause

BLAME: Mapping[Cause, Outcome] = MappingProxyType(
    {
        Cause.DNS: Outcome.DOWN,
        Cause.RESOLVER: Outcome.UNKNOWN,
        Cause.CONNECT_REFUSED: Outcome.DOWN,
        Cause.CONNECT_TIMEOUT: Outcome.DOWN,
        Cause.CONNECT_UNREACHABLE: Outcome.DOWN,
        Cause.NETWORK: Outcome.UNKNOWN,
        Cause.RESOURCES: Outcome.UNKNOWN,
        Cause.TLS_CERTIFICATE: Outcome.DOWN,
        Cause.TLS_HANDSHAKE: Outcome.DOWN,
        Cause.STARTTLS_UNAVAILABLE: Outcome.DOWN,
        Cause.AUTH_UNAVAILABLE: Outcome.DOWN,
        Cause.DISCONNECTED: Outcome.DOWN,
        Cause.PROTOCOL: Outcome.DOWN,
        Cause.REJECTED_TEMPORARY: Outcome.DOWN,
        Cause.REJECTED_PERMANENT: Outcome.DOWN,
        Cause.AUTH: Outcome.DOWN,
        Cause.CONTENT: Outcome.DOWN,
        Cause.EXPECTATION: Outcome.DOWN,
        Cause.SLOW: Outcome.DOWN,
        Cause.UNDELIVERED: Outcome.DOWN,
        Cause.BOUNCED: Outcome.DOWN,
        Cause.TIMEOUT: Outcome.DOWN,
        Cause.CREDENTIAL: Outcome.UNKNOWN,
        Cause.MISSED: Outcome.UNKNOWN,
        Cause.OVERLOAD: Outcome.UNKNOWN,
        Cause.SELF_TEST: Outcome.UNKNOWN,
        Cause.CLOCK: Outcome.UNKNOWN,
        Cause.BROWSER: Outcome.UNKNOWN,
        Cause.INTERNAL: Outcome.UNKNOWN,
    }
)


def outcome_of(cause: Cause) -> Outcome:
    return BLAME[cause]
