"""Without Prometheus: Dovecot is stopped and a page arrives through a real Apprise; it is started: all clear."""

import re
import signal
import time
from pathlib import Path

from tests.alerting.webhook import Webhook, webhook
from tests.e2e.outage import break_dovecot, mend_dovecot, wait_until_up
from tests.lab import Lab, wait_until
from tests.lab.configuration import configuration, free_port
from tests.lab.daemon import Daemon

DOWN = "mailuptime [page] lab is down"
UP = "mailuptime [resolved] lab is down"


def notifying(lab: Lab, place: Path, *hooks: Webhook) -> Daemon:
    urls = []
    for number, hook in enumerate(hooks):
        file = place / f"url{number}"
        file.write_text(hook.url, encoding="utf-8")
        file.chmod(0o600)
        urls.append(f"{{file: {file}}}")
    port = free_port()
    return Daemon(configuration(lab, place, port, f"notify: {{urls: [{', '.join(urls)}]}}\n"), port)


def sent(daemon: Daemon, count: int) -> bool:
    """Whether so many messages are known to be sent, which is said once it is durable."""
    return f'mailuptime_notifications_total{{result="sent"}} {float(count)}\n' in daemon.get("/metrics")[1]


VOICE = 2 * 2 + 1.5
"""Seconds for which a check of the lab's configuration speaks."""


def test_a_daemon_that_is_killed_after_its_page_says_it_once_and_the_all_clear_once(lab: Lab, place: Path) -> None:
    """It is away for longer than its last checks speak, and does not know at first whether the outage goes on."""
    with webhook() as hook, notifying(lab, place, hook) as daemon:
        wait_until_up(daemon)
        break_dovecot(lab, daemon)
        wait_until(lambda: sent(daemon, 1), "the page", seconds=30)
        assert daemon.stop(signal.SIGKILL) == -signal.SIGKILL
        silent = time.monotonic() + VOICE
        wait_until(lambda: time.monotonic() > silent, "the end of the last voice")
        daemon.start()
        wait_until(lambda: daemon.get("/-/ready") == (200, "ready\n"), "readiness", seconds=30)
        mend_dovecot(lab, daemon)
        wait_until(lambda: sent(daemon, 1), "the all-clear", seconds=30)
        assert hook.titles() == [DOWN, UP]
        page, clear = hook.received
        assert (page["type"], clear["type"]) == ("failure", "success")
        assert "docs/RUNBOOK.md#mailuptimeoutage" in page["message"]
        assert "left of 216 min" in page["message"]
        assert re.search(r"Targets that are down: \w+ \(\w+\)", page["message"]), page  # whichever was down first
        assert "hook-s3cr3t" not in daemon.log.read_text()


def test_a_receiver_that_hangs_holds_up_neither_another_one_nor_checks_nor_the_stop(lab: Lab, place: Path) -> None:
    with webhook() as hanging, webhook() as hook, notifying(lab, place, hanging, hook) as daemon:
        hanging.status = None
        wait_until_up(daemon)
        break_dovecot(lab, daemon)
        wait_until(lambda: hook.titles() == [DOWN] and hanging.titles() == [DOWN], "the page", seconds=30)
        mend_dovecot(lab, daemon)
        wait_until(lambda: hook.titles() == [DOWN, UP], "the all-clear", seconds=30)
        assert daemon.stop() == 0
