"""`config/mailgothai.yaml` and its lists of 320 made-up agencies, as they are shipped and against real servers."""

import re
from pathlib import Path

import pytest

from monitor.settings import load
from tests.e2e.commands import mailuptime
from tests.lab import Lab, wait_until
from tests.lab.configuration import free_port
from tests.lab.daemon import Daemon, states
from tests.lab.mailgothai import CONFIG, users, variant

UP = re.compile(r'^mailuptime_target_state\{.*state="up"\} 1\.0$', re.MULTILINE)


def targets_up(daemon: Daemon) -> int:
    return len(UP.findall(daemon.get("/metrics")[1]))


def test_it_is_the_agreements_size_and_no_server_is_checked_320_times() -> None:
    settings = load(CONFIG / "mailgothai.yaml")

    agencies = [service for service in settings.services if service.accounts and not service.members]
    assert len(agencies) == 320
    assert sum(service.accounts or 0 for service in agencies) == 250_000
    targets = [target for service in settings.services for target in service.targets]
    assert len(targets) == 8 * 5 + 320 * 3
    assert sum(len(service.uses) for service in agencies) == 320 * 5
    assert all(target.pulse is None for service in agencies for target in service.targets)
    (whole,) = (service for service in settings.services if service.name == "mailgothai")
    assert whole.members == tuple(service.name for service in agencies)


@pytest.mark.timeout(400)  # a thousand first checks
def test_every_agency_is_checked_on_real_servers_and_stands_in_the_figures(tmp_path: Path) -> None:
    web = free_port()
    with Lab(tmp_path / "lab", users=users()) as lab:
        made = variant(lab, tmp_path, web)
        with Daemon(made.path, web, made.within) as daemon:
            wait_until(lambda: targets_up(daemon) == 1000, "all to be up", seconds=240, pause=0.5)
            assert set(states(daemon).values()) == {"up"}
            table = mailuptime("sla", "-c", made.path)
            document = mailuptime("sla", "-c", made.path, "--format", "json").document
        agencies = [one for one in document["services"] if one["service"].startswith("agency-")]
        assert len(agencies) == 320
        assert all(one["coverage"] is not None and one["downtime_seconds"] == 0 for one in agencies)
        (whole,) = (one for one in document["services"] if one["service"] == "mailgothai")
        assert whole["availability_weighted_percent"] == 100
        assert table.out.count("\nagency-") == 320
        assert table.out.count("\nagencies-of-cluster-") == 8
        assert "\nmailgothai " in table.out
