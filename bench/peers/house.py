"""What the daemon costs beside its checks: how soon it begins, and what a thousand targets weigh."""

import json
import re
import time
from pathlib import Path

from bench.peers import ours
from bench.peers.yard import resident_bytes
from tests.lab import Lab, wait_until


def first_check(lab: Lab, directory: Path) -> float:
    """Seconds from the start of the process to its first committed check, of five targets."""
    directory.mkdir()
    targets = [ours.target(lab, kind, kind) for kind in ("imap", "pop3", "smtp", "submission", "webmail")]
    configuration = ours.configured(directory, {"mail": targets})
    began = time.time()
    with ours.running(configuration) as (daemon, _):
        wait_until(lambda: "target.state_changed" in daemon.log.read_text(encoding="utf-8"), "a check", seconds=30)
        lines = map(json.loads, daemon.log.read_text(encoding="utf-8").splitlines())
        stamp = next(line["timestamp"] for line in lines if line["event"] == "target.state_changed")
    seconds, fraction = re.fullmatch(r"(.*)(\.[0-9]+)Z", stamp).groups()  # type: ignore[union-attr]
    return time.mktime(time.strptime(seconds, "%Y-%m-%dT%H:%M:%S")) - time.timezone + float(fraction) - began


def bytes_per_target(lab: Lab, directory: Path, targets: int = 2000) -> tuple[float, float]:
    """What a target that has been checked takes of the memory, and all that the process takes with them."""
    sizes = []
    for number in (20, targets):
        place = directory / str(number)
        place.mkdir(parents=True)
        services = {
            f"agency{one}": [ours.target(lab, "smtp", f"smtp{n}", tls="none", timeout="5s") for n in range(5)]
            for one in range(number // 5)
        }
        for service in services.values():
            for target in service:
                target["tls"] = "none"
        configuration = ours.configured(place, services, interval="600s", pulse="off")
        with ours.running(configuration) as (daemon, pid):
            wait_until(lambda daemon=daemon: daemon.get("/-/ready")[0] == 200, "the first round", seconds=300)  # type: ignore[misc]
            sizes.append(resident_bytes(pid))
    return (sizes[1] - sizes[0]) / (targets - 20), sizes[1]
