"""A daemon that is killed in the middle of an outage forgets nothing that it had seen."""

import signal
import time
from pathlib import Path

from tests.e2e.outage import JUDGED, Truth, break_dovecot, exact, figures, instant, mend_dovecot, outages, wait_until_up
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


def test_an_outage_in_which_the_daemon_is_killed_is_one_outage_with_its_true_start(lab: Lab, place: Path) -> None:
    with started(lab, place, stale_after="60s") as daemon:
        wait_until_up(daemon)
        gone = break_dovecot(lab, daemon)
        (before,) = outages(daemon.configuration)
        unknown = figures(daemon.configuration)["unknown_seconds"]
        kill(daemon)
        daemon.start()
        assert {states(daemon)[name] for name in JUDGED} == {"down"}
        truth = Truth(gone, mend_dovecot(lab, daemon))
        (outage,) = outages(daemon.configuration)
        told = figures(daemon.configuration)
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
    with started(lab, place, stale_after="3s") as daemon:
        wait_until_up(daemon)
        gone = break_dovecot(lab, daemon)
        unknown = figures(daemon.configuration)["unknown_seconds"]
        kill(daemon)
        killed = time.time()
        wait_until(lambda: time.time() > killed + 4, "every voice to end")
        daemon.start()
        restarted = time.time()
        truth = Truth(gone, mend_dovecot(lab, daemon))
        import json; print(json.dumps(outages(daemon.configuration),indent=1), killed, unknown, figures(daemon.configuration))
        import shutil; shutil.copytree(place, "/tmp/dbg", dirs_exist_ok=True)
        first, second = outages(daemon.configuration)
        told = figures(daemon.configuration)
    gap = exact(instant(second["start"])) - exact(instant(first["end"]))
    assert killed < instant(first["end"]) < killed + 3.1
    assert exact(told["unknown_seconds"]) - exact(unknown) == gap
    assert gap > 0
    assert instant(second["start"]) > killed + 4
    assert restarted > killed + 4
    assert exact(told["downtime_seconds"]) == exact(first["seconds"]) + exact(second["seconds"])
    assert told["coverage"] < 1
    starts = [part for part in first["bounds"] if part["target"] in JUDGED]
    ends = [part for part in second["bounds"] if part["target"] in JUDGED]
    for one, other in zip(starts, ends, strict=True):
        assert truth.leaves_room({"start_bounds": one["start_bounds"], "end_bounds": other["end_bounds"]})
