"""Dovecot is stopped and a page arrives; it is started and the all-clear arrives: nothing on the way is a stand-in.

The monitor is killed in the outage and comes back, and the budget is so small that the outage burns it too fast:
neither is a second page. The daemon probes the lab, Prometheus scrapes it and judges by the shipped rules, Alertmanager
routes by the shipped routes; only addresses and waiting times are the test's.
"""

import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from tests.deploy.alertmanager import Alertmanager, receiver, shipped_to
from tests.deploy.prometheus import Prometheus
from tests.deploy.rules.promtool import FILES
from tests.e2e.outage import break_dovecot, mend_dovecot, wait_until_up
from tests.lab import Lab
from tests.lab.configuration import configuration, free_port
from tests.lab.daemon import Daemon
from tests.lab.processes import Keeper

SHIPPED = Path(__file__).parents[2] / "config" / "prometheus" / "prometheus.yml"


@dataclass(frozen=True)
class Delivered:
    """`pages` are all alerts that came to whoever is woken, up to the end; `after` those that fire at the end."""

    watchdog: dict[str, Any]
    page: dict[str, Any]
    clear: dict[str, Any]
    pages: list[dict[str, Any]]
    after: set[str]
    states: dict[str, str]


def pointed(daemon: str, alertmanager: str) -> dict[str, Any]:
    """The shipped configuration of Prometheus at these addresses (host:port), every second."""
    document: dict[str, Any] = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    document["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    document["rule_files"] = [str(file) for file in FILES]
    (managers,) = document["alerting"]["alertmanagers"]
    managers["static_configs"] = [{"targets": [alertmanager]}]
    (job,) = document["scrape_configs"]
    job["static_configs"] = [{"targets": [daemon]}]
    return document


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Delivered]:
    place, port = tmp_path_factory.mktemp("page"), free_port()
    with (
        Lab(place / "lab") as lab,
        Daemon(of_little_budget(configuration(lab, place, port)), port) as daemon,
        receiver() as told,
        Alertmanager.running(shipped_to(told.url), place / "alertmanager") as alertmanager,
        Keeper(["true"]) as keeper,
    ):
        wait_until_up(daemon)
        document = pointed(urlsplit(daemon.url).netloc, alertmanager.address)
        # What fires before Alertmanager is found is sent again a minute later, by default.
        resend = "--rules.alert.resend-delay=1s"
        prometheus = Prometheus(document, place / "prometheus", keeper, flags=[resend])
        try:
            watchdog = told.wait_for("/dead-mans-switch", "MailuptimeWatchdog", "firing")
            prometheus.wait_for('mailuptime_service_state{state="up"} == 1')
            assert not [notice for notice in told.notices if notice.path == "/page"]
            break_dovecot(lab, daemon)
            page = told.wait_for("/page", "MailuptimeOutage", "firing")
            prometheus.wait_for('ALERTS{alertname="MailuptimeBurnRate1h",alertstate="firing"}')
            daemon.stop(signal.SIGKILL)
            # Longer than the last checks speak: the monitor comes back and cannot tell, until it has looked.
            prometheus.wait_for("max_over_time(up[7s]) == 0")
            daemon.start()
            mend_dovecot(lab, daemon)
            clear = told.wait_for("/page", "MailuptimeOutage", "resolved")
            # Some rounds of evaluation after the outage; what it burned still fires.
            prometheus.wait_for("absent_over_time(mailuptime:outage_start:timestamp[5s])")
            prometheus.wait_for('ALERTS{alertname="MailuptimeBurnRate1h",alertstate="firing"}')
            firing = {labels["alertname"] for labels, _ in prometheus.query('ALERTS{alertstate="firing"}')}
            pages = [alert for notice in told.notices if notice.path == "/page" for alert in notice.body["alerts"]]
            yield Delivered(watchdog, page, clear, pages, firing, alertmanager.states())
        finally:
            prometheus.stop()


def of_little_budget(path: Path) -> Path:
    """With a month's budget of 100 seconds, of which an hour may burn 2."""
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("downtime_budget: 216m", "downtime_budget: 100s"), encoding="utf-8")
    return path


def test_the_page_says_which_service_is_down_and_where_to_read_on(delivered: Delivered) -> None:
    labels, said = delivered.page["labels"], delivered.page["annotations"]
    assert (labels["severity"], labels["sla_service"], labels["job"]) == ("page", "lab", "mailuptime")
    assert said["summary"] == "lab is down"
    assert said["runbook_url"].endswith("docs/RUNBOOK.md#mailuptimeoutage")
    assert said["description"].startswith("Down for ")
    assert re.search(
        r" minutes\. Targets that are down:( (imap|pop3|submission|webmail))+\. The SLA's", said["description"]
    )
    assert said["budget"].endswith(" minutes left of 1.7")


def test_the_all_clear_is_of_the_same_alert(delivered: Delivered) -> None:
    assert delivered.clear["fingerprint"] == delivered.page["fingerprint"]
    assert delivered.clear["startsAt"] == delivered.page["startsAt"]
    assert delivered.clear["endsAt"] > delivered.page["startsAt"]


def test_an_outage_in_which_the_monitor_is_killed_and_burns_is_one_page_and_one_all_clear(delivered: Delivered) -> None:
    outage = [one for one in delivered.pages if one["labels"]["alertname"] == "MailuptimeOutage"]
    assert {one["startsAt"] for one in outage} == {delivered.page["startsAt"]}
    assert [one["status"] for one in outage].count("resolved") == 1
    assert outage[-1]["status"] == "resolved"
    assert [one for one in delivered.pages if "BurnRate" in one["labels"]["alertname"]] == []


def test_what_burned_fires_on_after_the_all_clear_and_is_kept_back(delivered: Delivered) -> None:
    assert {"MailuptimeRecentOutage", "MailuptimeBurnRate1h"} <= delivered.after
    assert delivered.states["MailuptimeBurnRate1h"] == "suppressed"


def test_the_watchdog_arrives_from_the_beginning(delivered: Delivered) -> None:
    assert delivered.watchdog["labels"]["severity"] == "info"
    assert "MailuptimeWatchdog" in delivered.after


def test_what_is_over_fires_no_more(delivered: Delivered) -> None:
    assert not {"MailuptimeOutage", "MailuptimeResponseDeadline", "MailuptimeMonitorMissing"} & delivered.after
