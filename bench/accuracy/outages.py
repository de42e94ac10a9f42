"""Brings real outages about, at random instants and of random length, and remembers when they truly were."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.lab import Lab
from tests.lab.processes import Change

SHORTEST, LONGEST = 10.0, 600.0
PAUSES = (75.0, 150.0)
"""Seconds of health between two outages of one lab: long enough for every target to be up again and checked."""


@dataclass(frozen=True)
class Kind:
    """`pulse`: whether connect and greeting tell; `direct`: the targets that fail at the very instant."""

    name: str
    pulse: bool
    direct: tuple[str, ...]
    begin: Callable[[Lab], Change]
    end: Callable[[Lab], Change]


def _unlock(lab: Lab) -> Change:
    return lab.change_password(lab.probe.username, lab.password_file.read_text(encoding="utf-8").strip())


KINDS = (
    Kind("Dovecot refuses", True, ("imap", "pop3"), Lab.stop_dovecot, Lab.start_dovecot),
    Kind("Postfix refuses", True, ("smtp", "submission"), Lab.stop_postfix, Lab.start_postfix),
    Kind("webmail refuses", True, ("webmail",), Lab.stop_webmail, Lab.start_webmail),
    Kind("hangs before TLS", True, ("imap",), lambda lab: lab.freeze("imap-login"), lambda lab: lab.thaw("imap-login")),
    Kind("no greeting", True, ("smtp", "submission"), lambda lab: lab.freeze("smtpd"), lambda lab: lab.thaw("smtpd")),
    Kind("hangs at AUTH", False, ("imap", "pop3"), lambda lab: lab.freeze("auth"), lambda lab: lab.thaw("auth")),
    Kind("password changed", False, ("imap", "pop3"), lambda lab: lab.change_password(lab.probe.username), _unlock),
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


def suffer(number: int, lab: Lab, random: Random, count: int, until: float, longest: float, found: list[Truth]) -> None:
    """So many outages, one after the other, or as many as begin before an instant of the monotonic clock."""
    for turn in range(count):
        time.sleep(random.uniform(*PAUSES))
        seconds = length(random, longest)
        if time.monotonic() + seconds > until:
            return
        kind = KINDS[(number + turn) % len(KINDS)]
        begun = kind.begin(lab)
        time.sleep(seconds)
        found.append(Truth(number, kind, begun, kind.end(lab)))
        print(f"lab {number}: {kind.name}, {seconds:.0f} s ({turn + 1} of {count})", flush=True)
