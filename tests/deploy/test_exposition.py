"""What the daemon exports is what Prometheus' own tool wants to see."""

import re
import subprocess

from monitor.metrics.names import EVERYTHING, WEIGHTED
from tests.deploy.scene import Scene


def test_the_scene_has_a_sample_of_every_metric() -> None:
    lines = Scene().exposition().body.decode().splitlines()
    told = {re.split(r"[ {]", line)[0].removesuffix("_bucket") for line in lines if not line.startswith("#")}
    silent = {family.name for family in EVERYTHING} - told
    assert silent == {WEIGHTED.name}  # which only a service of services has


def test_promtool_finds_nothing_wrong_with_the_metrics() -> None:
    command = ["/usr/bin/promtool", "check", "metrics"]
    done = subprocess.run(command, input=Scene().exposition().body, capture_output=True, check=False, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
