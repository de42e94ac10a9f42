"""Whose fault a failed check is: the service's (`down`) or the monitor's (`unknown`).

One table, total over the causes (a test sees to it, and that `docs/BLAME.md` shows it). `auth` is the service's fault
only where that very credential has worked before; the runner turns it into `credential` otherwise.

A failure that looks like the service's is believed only where the monitor was sound. What it cannot have made itself
stands whatever its own state was: a server that said no has answered, and so the network works.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from monitor.core.check import Outcome
from probes.errors import Cause


class Trouble(Enum):
    """What can be wrong with the monitor while it checks; the value is the cause that it makes of a failure."""

    CLOCK = Cause.CLOCK  # the wall clock was set, or the machine slept
    LAG = Cause.OVERLOAD  # its event loop stood still
    NETWORK = Cause.SELF_TEST  # a canary failed


@dataclass(frozen=True, slots=True)
class Verdict:
    """`forged_by` is what can produce the cause without any fault of the service, the strongest excuse first."""

    outcome: Outcome
    why: str
    forged_by: tuple[Trouble, ...] = ()


_NOTHING = ()
_SILENCE = (Trouble.CLOCK, Trouble.LAG, Trouble.NETWORK)  # nobody answered, or somebody between us did
_SLOWNESS = (Trouble.CLOCK, Trouble.LAG)


def _down(why: str, forged_by: tuple[Trouble, ...] = _NOTHING) -> Verdict:
    return Verdict(Outcome.DOWN, why, forged_by)


def _unknown(why: str) -> Verdict:
    return Verdict(Outcome.UNKNOWN, why)


BLAME: Mapping[Cause, Verdict] = MappingProxyType(
    {
        Cause.DNS: _down("the resolver answered that the name has no address", (Trouble.NETWORK,)),
        Cause.RESOLVER: _unknown("the monitor's own resolver did not answer"),
        Cause.CONNECT_REFUSED: _down("nobody listens there", (Trouble.NETWORK,)),
        Cause.CONNECT_TIMEOUT: _down("a mail program would wait in vain too", _SILENCE),
        Cause.CONNECT_UNREACHABLE: _down("a router says that there is no way to the server", _SILENCE),
        Cause.NETWORK: _unknown("this machine has no route or address, or filters what it sends"),
        Cause.RESOURCES: _unknown("this machine has no descriptors, ports or memory left"),
        Cause.TLS_CERTIFICATE: _down("a mail program refuses to go on", (Trouble.CLOCK,)),
        Cause.TLS_HANDSHAKE: _down("a mail program cannot go on", _SLOWNESS),
        Cause.STARTTLS_UNAVAILABLE: _down("a mail program refuses to go on without TLS"),
        Cause.AUTH_UNAVAILABLE: _down("the server offers no way to log in"),
        Cause.DISCONNECTED: _down("the connection ended before the service was rendered", _SILENCE),
        Cause.PROTOCOL: _down("the server answered, and what it said is no reply"),
        Cause.REJECTED_TEMPORARY: _down("the server answered: not now"),
        Cause.REJECTED_PERMANENT: _down("the server answered: no"),
        Cause.AUTH: _down("the server refused a credential that it has accepted before"),
        Cause.CONTENT: _down("the server answered without what a user would see"),
        Cause.EXPECTATION: _down("it works, and not as the target's own `expect` demands"),
        Cause.SLOW: _down("it works, and slower than the target's own `expect` allows", _SLOWNESS),
        Cause.UNDELIVERED: _down("a message was accepted, and did not arrive in time", _SILENCE),
        Cause.BOUNCED: _down("a message was accepted, and came back"),
        Cause.TIMEOUT: _down("the server took the connection and did not answer", _SILENCE),
        Cause.CREDENTIAL: _unknown(
            "it has never worked, or is a token, which ends by itself: the monitor's own file is at fault"
        ),
        Cause.RESTING: _unknown("no log-in was tried: the account rests after refused ones"),
        Cause.MISSED: _unknown("the slot went by without a check"),
        Cause.OVERLOAD: _unknown("this machine was too busy to be believed"),
        Cause.SELF_TEST: _unknown("a canary failed: the monitor's own network was not sound"),
        Cause.CLOCK: _unknown("the clock was set, or the machine slept, during the check"),
        Cause.BROWSER: _unknown("this machine's browser could not be run"),
        Cause.WORKER: _unknown("the monitor's own process that tried it ended, or did not answer"),
        Cause.INTERNAL: _unknown("a bug of the monitor"),
    }
)


def outcome_of(cause: Cause) -> Outcome:
    return BLAME[cause].outcome


def forged(cause: Cause, trouble: Trouble) -> bool:
    """Whether this trouble of the monitor can produce that cause."""
    return trouble in BLAME[cause].forged_by


def table() -> str:
    """The table as `docs/BLAME.md` shows it."""
    rows = ["| cause | outcome | why | unknown instead where |", "|---|---|---|---|"]
    for cause, verdict in BLAME.items():
        instead = ", ".join(_WHERE[trouble] for trouble in verdict.forged_by)
        rows.append(f"| `{cause}` | {verdict.outcome} | {verdict.why} | {instead} |")
    return "\n".join(rows) + "\n"


_WHERE = {
    Trouble.CLOCK: "the clock was set (`clock`)",
    Trouble.LAG: "the loop stood still (`overload`)",
    Trouble.NETWORK: "a canary fails (`self_test`)",
}
