"""A daemon that is killed in the middle of an outage forgets nothing that it had seen."""

import signal
import time
from fractions import Fraction
from pathlib import Path

from tests.e2e.commands import mailuptime
from tests.e2e.outage import JUDGED, Truth, break_dovecot, exact, instant, mend_dovecot, service_of, wait_until_up
from tests.lab import Lab, wait_until
from tests.lab.configuration import configuration, free_port
from tests.lab.daemon import Daemon, states


def started(lab: Lab, place: Path, stale_after: str) -> Daemon:
    """Over a lab that is well, with checks that speak for so long."""
    port = free_port()
    file = configuration(lab, place, port)
    text = file.read_text(encoding="utf-8")
    assert text.count("\n  pulse: 1s\n") == 1
    file.write_text(text.replace("\n  pulse: 1s\n", f"\n  pulse: 1s\n  stale_after: {stale_after}\n"), encoding="utf-8")
    return Daemon(file, port)


def kill(daemon: Daemon) -> None:
    assert daemon.stop(signal.SIGKILL) == -signal.SIGKILL


def restart(daemon: Daemon) -> None:
    """Return when everything has been checked again."""
    daemon.start()
    wait_until(lambda: daemon.get("/-/ready") == (200, "ready\n"), "readiness", seconds=30)


def test_an_outage_in_which_the_daemon_is_killed_is_one_outage_with_its_true_start(lab: Lab, place: Path) -> None:
    with started(lab, place, stale_after="60s") as daemon:
        wait_until_up(daemon)
        gone = break_dovecot(lab, daemon)
        (before,) = daemon.ask("outages")["outages"]
        unknown = service_of(daemon.ask("sla"))["unknown_seconds"]
        kill(daemon)
        restart(daemon)
        assert {states(daemon)[name] for name in JUDGED} == {"down"}
        truth = Truth(gone, mend_dovecot(lab, daemon))
        (outage,) = daemon.ask("outages")["outages"]
        told = service_of(mailuptime("sla", "-c", daemon.configuration, "--format", "json").document)
        metrics = daemon.get("/metrics")[1]
    assert before["ongoing"]
    assert (outage["id"], outage["start"], outage["ongoing"]) == (before["id"], before["start"], False)
    bounds = {part["target"]: part for part in outage["bounds"]}
    assert [name for name in JUDGED if not truth.leaves_room(bounds[name])] == []
    (of_figures,) = told["outages"]
    assert (of_figures["id"], of_figures["start"]) == (outage["id"], outage["start"])
    assert told["downtime_seconds"] == outage["seconds"]
    # Every voice reached over the time without a daemon.
    assert told["unknown_seconds"] == unknown
    assert 'mailuptime_outages_total{sla_service="lab",target="imap"} 1.0\n' in metrics


def test_time_that_no_check_speaks_for_while_the_daemon_is_dead_is_unknown_and_not_downtime(
    lab: Lab, place: Path
) -> None:
    with started(lab, place, stale_after="4s") as daemon:
        wait_until_up(daemon)
        gone = break_dovecot(lab, daemon)
        unknown = service_of(daemon.ask("sla"))["unknown_seconds"]
        kill(daemon)
        silent = time.time() + 4
        wait_until(lambda: time.time() > silent + 0.5, "every voice to end")
        restart(daemon)
        truth = Truth(gone, mend_dovecot(lab, daemon))
        first, second = daemon.ask("outages")["outages"]
        told = service_of(mailuptime("sla", "-c", daemon.configuration, "--format", "json").document)
    assert instant(first["end"]) <= silent < instant(second["start"])
    gap = exact(instant(second["start"])) - exact(instant(first["end"]))
    assert exact(told["unknown_seconds"]) >= exact(unknown) + gap
    assert exact(told["downtime_seconds"]) == exact(first["seconds"]) + exact(second["seconds"])
    elapsed = exact(told["elapsed_seconds"])
    assert told["coverage"] == float(1 - Fraction(exact(told["unknown_seconds"]), elapsed))
    # The start was seen before the gap, the end behind it.
    starts = {part["target"]: part["start_bounds"] for part in first["bounds"]}
    ends = {part["target"]: part["end_bounds"] for part in second["bounds"]}
    for name in JUDGED:
        assert truth.leaves_room({"start_bounds": starts[name], "end_bounds": ends[name]})
