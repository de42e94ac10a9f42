"""The demonstration: a real outage on real mail servers becomes a month's figure.

On a terminal it shows the running daemon, and a key stops and starts Dovecot. Without one it plays that by itself,
prints the outage and the month's figures, and exits 0 only if the moments at which Dovecot really went and came
back lie inside the recorded bounds.
"""

import select
import sys
import tempfile
import termios
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from rich.live import Live

from monitor.cli.figures import OUTAGE_COLUMNS, SLA_COLUMNS, outage_row, sla_row, sla_title, table
from monitor.cli.screen import screen
from tests.lab import Change, Lab, LabError, LabUnavailableError, wait_until
from tests.lab.configuration import SERVICE, configuration, free_port
from tests.lab.daemon import Daemon, states

JUDGED = (f"{SERVICE}/imap", f"{SERVICE}/pop3")
"""The targets that Dovecot itself answers."""


def main() -> int:
    try:
        with Lab() as lab, tempfile.TemporaryDirectory(prefix="mailuptime-demo-") as directory:
            port = free_port()
            with Daemon(configuration(lab, Path(directory), port), port) as daemon:
                print(f"metrics: {daemon.url}/metrics   configuration: {daemon.configuration}", flush=True)
                if sys.stdin.isatty() and sys.stdout.isatty():
                    return watch(lab, daemon)
                return play(lab, daemon)
    except LabUnavailableError as error:
        print(error, file=sys.stderr)
        return 69
    except LabError as error:
        print(f"the demonstration failed: {error}", file=sys.stderr)
        return 1


def watch(lab: Lab, daemon: Daemon) -> int:
    """The live view, until q."""
    running = True
    with keys(), Live(screen(daemon.ask("status")), screen=True, auto_refresh=False) as live:
        while True:
            action = "d stops Dovecot" if running else "d starts Dovecot"
            live.update(screen(daemon.ask("status"), f"{daemon.url}/metrics   {action}   q quits"), refresh=True)
            key = pressed(0.4)
            if key == "q":
                return 0
            if key == "d":
                running = not running
                _ = lab.start_dovecot() if running else lab.stop_dovecot()


def play(lab: Lab, daemon: Daemon) -> int:
    """The scenario: wait for health, stop Dovecot, wait for the outage, start it, wait for its end, judge."""
    say("waiting for the first round")
    wait_until(lambda: set(states(daemon).values()) == {"up"}, "every target to be up", seconds=30)
    gone = lab.stop_dovecot()
    say(f"Dovecot stopped between {clock(gone.before)} and {clock(gone.after)}")
    wait_until(lambda: all(states(daemon)[name] == "down" for name in JUDGED), "the outage", seconds=30)
    say("the daemon says: down")
    time.sleep(3)  # long enough for an outage that one can see; nothing waits for it
    back = lab.start_dovecot()
    say(f"Dovecot started between {clock(back.before)} and {clock(back.after)}")
    wait_until(lambda: set(states(daemon).values()) == {"up"}, "every target to be up again", seconds=30)
    say("the daemon says: up\n")
    figures, outages = daemon.ask("sla"), daemon.ask("outages")
    print(table(OUTAGE_COLUMNS, [outage_row(one) for one in outages["outages"]], "Outages"))
    print()
    print(table(SLA_COLUMNS, [sla_row(one) for one in figures["services"]], sla_title(figures)))
    print()
    bounds = {part["target"]: part for one in outages["outages"] for part in one["bounds"]}
    verdicts = [judge(name, bounds.get(name), gone, back) for name in JUDGED]
    return 0 if all(verdicts) else 1


def judge(name: str, part: dict[str, list[str]] | None, gone: Change, back: Change) -> bool:
    """Whether the truth lies inside the bounds of one target's outage; says so."""
    if part is None:
        say(f"{name}: no outage was recorded")
        return False
    well = True
    for what, bounds, change in (("went", part["start_bounds"], gone), ("came back", part["end_bounds"], back)):
        first, last = (datetime.fromisoformat(bound).timestamp() for bound in bounds)
        # The truth is known to lie between `before` and `after`: the bounds must leave room for it.
        inside = first <= change.after and change.before <= last
        well = well and inside
        say(f"{name}: {what} {'inside' if inside else 'OUTSIDE'} {clock(first)} to {clock(last)}")
    return well


def clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%H:%M:%S.%f")[:-3]


def say(text: str) -> None:
    print(text, flush=True)


@contextmanager
def keys() -> Iterator[None]:
    """Single keys without Enter."""
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def pressed(seconds: float) -> str:
    """The key that is pressed within some seconds, or nothing."""
    ready, _, _ = select.select([sys.stdin], [], [], seconds)
    return sys.stdin.read(1) if ready else ""


if __name__ == "__main__":
    sys.exit(main())
