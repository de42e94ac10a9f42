"""`mailuptime outages --evidence`: what the failing checks saw, and what was otherwise on both sides of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.commands import Done, assert_refused, mailuptime
from tests.e2e.outage import break_dovecot, mend_dovecot, wait_until_up
from tests.lab import Lab
from tests.lab.configuration import configuration, free_port
from tests.lab.daemon import Daemon, states
from tests.lab.ports import HOST
from tests.lab.processes import wait_until

MOST = 3


@dataclass(frozen=True)
class Story:
    configuration: Path
    secret: str
    running: Done
    """What was said while a second outage went on, and to people."""
    printed: Done

    def ask(self, *arguments: str) -> Done:
        return mailuptime("outages", "-c", self.configuration, *arguments)

    @property
    def outage(self) -> dict[str, Any]:
        """The first one, which is over."""
        return dict(self.ask("--evidence", "--format", "json").document["outages"][0])

    def part(self, target: str) -> dict[str, Any]:
        (found,) = (part for part in self.outage["evidence"] if part["target"] == target)
        return dict(found)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Dovecot went for more checks than are shown, came back, and went again; afterwards no daemon runs."""
    place, port = tmp_path_factory.mktemp("evidence"), free_port()
    with Lab(place / "lab") as lab:
        with Daemon(configuration(lab, place, port), port) as daemon:
            wait_until_up(daemon)
            break_dovecot(lab, daemon)
            wait_until(lambda: failures(daemon) > 2 * MOST + 1, "more failures than are shown", seconds=30)
            mend_dovecot(lab, daemon)
            lab.stop_dovecot()
            wait_until(lambda: states(daemon)["lab/imap"] == "down", "the second outage", seconds=30)
            running = mailuptime("outages", "-c", daemon.configuration, "--evidence", "--format", "json")
            printed = mailuptime("outages", "-c", daemon.configuration, "--evidence")
        yield Story(daemon.configuration, lab.probe.password, running, printed)


def failures(daemon: Daemon) -> float:
    """Of checks of IMAP so far."""
    _, body = daemon.get("/metrics")
    lines = [line for line in body.splitlines() if line.startswith("mailuptime_checks_total")]
    return sum(float(line.split()[-1]) for line in lines if 'target="imap"' in line and 'outcome="down"' in line)


def test_the_first_and_the_last_failures_are_shown_and_no_more(story: Story) -> None:
    part = story.part("lab/imap")
    assert (len(part["first"]), len(part["last"])) == (MOST, MOST)
    times = [check["at"] for check in (part["before"], *part["first"], *part["last"], part["after"])]
    assert times == sorted(times)
    assert len(set(times)) == len(times)


def test_a_failure_has_its_cause_its_phases_and_the_address_that_was_tried(story: Story) -> None:
    last = story.part("lab/imap")["last"][-1]
    assert (last["outcome"], last["cause"], last["phase"]) == ("down", "connect_refused", "connect")
    assert [phase["phase"] for phase in last["phases"]] == ["dns", "connect"]
    assert last["address"].startswith(HOST)
    assert last["reply"] == "Connection refused"


def test_the_servers_words_are_kept_of_a_failure_in_the_midst_of_a_dialogue(story: Story) -> None:
    postfix = story.part("lab/submission")  # answers, and has nobody to ask for the password
    assert any("220" in line for check in postfix["first"] + postfix["last"] for line in check["replies"])
    roundcube = story.part("lab/webmail")["first"][0]
    assert roundcube["tls_version"].startswith("TLSv1.")
    assert roundcube["certificate"]["problem"] is None
    assert "HTTP 200" in roundcube["replies"]


@pytest.mark.parametrize("side", ["before", "after"])
def test_the_good_checks_on_both_sides_show_what_was_otherwise(side: str, story: Story) -> None:
    good = story.part("lab/imap")[side]
    assert (good["outcome"], good["cause"]) == ("up", None)
    assert [phase["phase"] for phase in good["phases"]][:3] == ["dns", "connect", "tls"]
    assert good["certificate"]["problem"] is None
    assert "Dovecot" in good["replies"][0]


def test_an_outage_that_runs_has_no_good_check_after_it(story: Story) -> None:
    *_, running = story.running.document["outages"]
    assert running["ongoing"]
    assert all(part["after"] is None and part["first"] for part in running["evidence"])
    assert story.printed.out.count("    after         it goes on\n") >= len(running["evidence"])  # asked a moment later


def test_people_see_the_same_in_lines_and_one_outage_alone_by_its_id(story: Story) -> None:
    everything = story.ask("--evidence")
    identity = story.outage["id"]
    alone = story.ask("--evidence", identity)
    assert (everything.status, alone.status, alone.err) == (0, 0, "")
    assert everything.out.startswith(alone.out)
    headlines = [line for line in alone.out.splitlines() if not line.startswith(" ")]
    assert [line.split(": ")[0] for line in headlines] == [identity]
    for part in ("connect_refused in connect after", "reply       Connection refused", "before ", "after ", "…"):
        assert part in alone.out


def test_no_password_is_among_the_evidence(story: Story) -> None:
    said = story.ask("--evidence").out + story.ask("--evidence", "--format", "json").out + story.running.out
    assert story.secret not in said


def test_an_id_of_no_outage_is_wrong_usage_and_the_last_ones_are_named(story: Story) -> None:
    assert_refused(story.ask("--evidence", "lab-20200101T000000Z"), 2, '"lab-20200101T000000Z"', "2020-01", "none")
    month = story.outage["start"][:7]
    assert_refused(story.ask("--month", month, "--evidence", "nonsense"), 2, '"nonsense"', story.outage["id"])


def test_evidence_is_too_deep_for_csv(story: Story) -> None:
    assert_refused(story.ask("--evidence", "--format", "csv"), 2, "--evidence", "--format json")
