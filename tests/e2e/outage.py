"""Decides how an outage is played on the lab, and what is compared with what.

The truth is what the lab saw: Dovecot went away at some moment between `gone.before` and `gone.after` and came back
between `back.before` and `back.after`. What was recorded must leave room for it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.lab import Change, Lab, wait_until
from tests.lab.configuration import SERVICE
from tests.lab.daemon import Daemon, states

JUDGED = (f"{SERVICE}/imap", f"{SERVICE}/pop3")
"""The targets that Dovecot itself answers."""

DEPENDENT = (*JUDGED, f"{SERVICE}/submission", f"{SERVICE}/webmail")
"""Those that fail with it: Postfix and Roundcube ask Dovecot who somebody is."""

MICROSECONDS = 10**6


@dataclass(frozen=True)
class Truth:
    gone: Change
    back: Change

    def leaves_room(self, part: dict[str, Any]) -> bool:
        """Whether both moments can lie inside the bounds of a target's outage, which are open below."""
        first, last = (instant(bound) for bound in part["start_bounds"])
        certain, outer = (instant(bound) for bound in part["end_bounds"])
        return (first < self.gone.after and self.gone.before <= last) and (
            certain < self.back.after and self.back.before <= outer
        )

    @property
    def least(self) -> float:
        """Seconds that Dovecot was away for certain."""
        return self.back.before - self.gone.after

    @property
    def most(self) -> float:
        return self.back.after - self.gone.before


def wait_until_up(daemon: Daemon) -> None:
    wait_until(lambda: set(states(daemon).values()) == {"up"}, "every target to be up", seconds=30)


def break_dovecot(lab: Lab, daemon: Daemon) -> Change:
    """Return when the daemon has seen all of it: a row that is still undecided would move the start when it is."""
    gone = lab.stop_dovecot()

    def recorded() -> bool:
        """A state is shown as soon as a check has arrived, an outage's start once it is committed."""
        begun = {target["target"] for target in daemon.ask("status")["targets"] if target["outage_start"]}
        return begun >= set(DEPENDENT)

    wait_until(recorded, "the outage", seconds=30)
    return gone


def mend_dovecot(lab: Lab, daemon: Daemon) -> Change:
    """Return when the daemon has seen it."""
    back = lab.start_dovecot()
    wait_until_up(daemon)
    return back


def service_of(document: dict[str, Any]) -> dict[str, Any]:
    """The lab's service of a month's figures, with the month that they are about."""
    (service,) = document["services"]
    return {"month": document["month"], **service}


def instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def exact(seconds: float) -> int:
    """Microseconds, in which sums are exact."""
    return round(seconds * MICROSECONDS)
