"""Brings real outages about, at random instants and of random length, and remembers when they truly were."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from bench.accuracy import network
from tests.lab import Lab
from tests.lab.processes import Change

SHORTEST, LONGEST = 10.0, 600.0
PAUSES = (75.0, 150.0)
"""Seconds of health between two outages of one lab: long enough for every target to be up again and checked."""


PULSE, LOGIN, REFUSED = "a pulse sees it", "only a log-in sees it", "log-ins are refused, and rest"
DELIVERY = "only a round trip sees it"
GROUPS = (PULSE, LOGIN, REFUSED, DELIVERY)
MOST_REFUSED = 60.0
"""Seconds of refused log-ins: the account rests for two minutes then, and for up to sixteen after more of them."""


@dataclass(frozen=True)
class Kind:
    """`group` says what sees it; `direct`: the targets that fail at the very instant."""

    name: str
    group: str
    direct: tuple[str, ...]
    begin: Callable[[Lab], Change]
    end: Callable[[Lab], Change]


def _unlock(lab: Lab) -> Change:
    return lab.change_password(lab.probe.username, lab.password_file.read_text(encoding="utf-8").strip())


KINDS = (
    Kind("Dovecot refuses", PULSE, ("imap", "pop3"), Lab.stop_dovecot, Lab.start_dovecot),
    Kind("Postfix refuses", PULSE, ("smtp", "submission"), Lab.stop_postfix, Lab.start_postfix),
    Kind("webmail refuses", PULSE, ("webmail",), Lab.stop_webmail, Lab.start_webmail),
    Kind("hangs in TLS", PULSE, ("imap",), lambda lab: lab.freeze("imap-login"), lambda lab: lab.thaw("imap-login")),
    Kind("no greeting", PULSE, ("smtp", "submission"), lambda lab: lab.freeze("smtpd"), lambda lab: lab.thaw("smtpd")),
    Kind("hangs at AUTH", LOGIN, ("imap", "pop3"), lambda lab: lab.freeze("auth"), lambda lab: lab.thaw("auth")),
    Kind("accepted, not delivered", DELIVERY, ("roundtrip",), Lab.hold_delivery, Lab.release_delivery),
    Kind("packets dropped", PULSE, ("imap",), network.cut_off, network.mend),
    Kind("certificate expired", PULSE, ("imap",), network.lead_astray, network.mend),
    Kind("password changed", REFUSED, ("imap", "pop3"), lambda lab: lab.change_password(lab.probe.username), _unlock),
)


@dataclass(frozen=True)
class Truth:
    """An outage of one lab; each change lies between two instants, in seconds since the epoch."""

    lab: int
    kind: Kind
    begun: Change
    ended: Change


def length(random: Random, most: float) -> float:
    """Seconds: as likely between 10 and 100 as between 60 and 600."""
    longest = min(LONGEST, max(most, SHORTEST))
    return math.exp(random.uniform(math.log(SHORTEST), math.log(longest)))


def possible(names: Sequence[str]) -> list[Kind]:
    """The kinds of these names, by default all, without those that this machine does not let happen."""
    kinds = [kind for kind in KINDS if not names or kind.name in names]
    return kinds if network.available() else [kind for kind in kinds if kind.end is not network.mend]


def suffer(
    kinds: Sequence[Kind],
    number: int,
    lab: Lab,
    random: Random,
    count: int,
    until: float,
    longest: float,
    found: list[Truth],
    well: Callable[[], bool],
) -> None:
    """So many outages of these kinds, one after the other, or as many as end before an instant of the monotonic clock.

    The next one waits until the daemon finds the lab `well`.
    """
    for turn in range(count):
        while not well() and time.monotonic() < until:
            time.sleep(1)
        time.sleep(random.uniform(*PAUSES))
        kind = kinds[(number + turn) % len(kinds)]
        seconds = length(random, min(longest, MOST_REFUSED) if kind.group == REFUSED else longest)
        if time.monotonic() + seconds > until:
            return
        begun = kind.begin(lab)
        time.sleep(seconds)
        found.append(Truth(number, kind, begun, kind.end(lab)))
        print(f"lab {number}: {kind.name}, {seconds:.0f} s ({turn + 1} of {count})", flush=True)
