"""Two people run a real mail service's outage through the console, in Chromium, with scripts switched off."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.console.browser import barriers, chromium, page_of
from tests.core.worked import ZONE
from tests.e2e.outage import break_dovecot, mend_dovecot, wait_until_up
from tests.lab import Lab, wait_until
from tests.lab.configuration import configuration, free_port
from tests.lab.daemon import Daemon
from tests.web.place import ALICE, BOB, Place


@dataclass
class Story:
    """Dovecot went and came back, `seen` is what the console showed meanwhile."""

    daemon: Daemon
    browser: Browser
    seen: str
    outage: dict[str, Any]

    @property
    def console(self) -> str:
        return f"{self.daemon.url}/console"

    def figures(self) -> Any:
        [service] = self.daemon.ask("sla")["services"]
        return service


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    place, port = tmp_path_factory.mktemp("console"), free_port()
    with Lab(place / "lab") as lab:
        file = configuration(lab, place, port)
        secured(file)
        with Daemon(file, port) as daemon, chromium() as browser:
            wait_until_up(daemon)
            break_dovecot(lab, daemon)
            page = page_of(browser, java_script_enabled=False)
            page.goto(f"{daemon.url}/console/en/")
            seen = page.inner_text("main")
            mend_dovecot(lab, daemon)
            wait_until(lambda: daemon.ask("outages")["outages"][-1]["end"] is not None, "the outage to end")
            yield Story(daemon, browser, seen, daemon.ask("outages")["outages"][-1])


def secured(file: Path) -> None:
    made = Place(file.parent)
    made.web(basic_auth_users=made.users)
    listening = re.sub(r'web: \{listen: ("[^"]*")\}', r"web: {listen: \1, config_file: web.yml}", file.read_text())
    file.write_text(listening, encoding="utf-8")


def without_scripts(story: Story, user: tuple[str, str]) -> Page:
    return page_of(story.browser, user, java_script_enabled=False)


def local(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).astimezone(ZONE).strftime("%Y-%m-%dT%H:%M:%S")


def test_the_first_page_shows_the_outage_while_it_runs(story: Story) -> None:
    assert re.search(rf"lab\s+down\s.*{re.escape(story.outage['id'])}", story.seen, re.DOTALL)


def test_an_outages_page_has_the_ladder_the_transcript_and_the_certificate(story: Story) -> None:
    page = without_scripts(story, ALICE)
    page.goto(f"{story.console}/en/outages/{story.outage['id']}")
    shown = page.inner_text("main")
    assert story.outage["id"] in shown
    imap = page.locator("article", has=page.get_by_role("heading", name="lab/imap", exact=True))
    said = imap.inner_text()
    assert "Last good check before" in said
    assert re.search(r"connect\s+[\d.]+ ms", said)
    assert re.search(r"auth\s+[\d.]+ ms", said)
    assert "valid until" in said
    assert "TLSv1.3" in said
    good = imap.locator(".check").first
    good.locator("summary").click()
    assert "Dovecot" in good.inner_text()


def test_maintenance_is_declared_with_a_preview_and_shown_and_cancelled(story: Story) -> None:
    page = without_scripts(story, ALICE)
    page.goto(f"{story.console}/en/")
    page.get_by_role("link", name="Declare maintenance").click()
    page.get_by_role("button", name="Preview").click()
    assert page.get_by_role("alert").inner_text().startswith("Nothing was recorded. Mistakes to mend: 3.")
    page.get_by_role("link", name="Start: Please fill this in.").click()
    assert page.locator("#start:target").count() == 1
    page.get_by_label("What is done in it").fill("storage upgrade")
    page.get_by_label("What it covers").fill("lab")
    page.get_by_label("Start").fill(local(24))
    page.get_by_label("End", exact=True).fill(local(26))
    page.get_by_role("button", name="Preview").click()
    assert "It lies ahead" in page.inner_text("section.note")
    page.get_by_role("button", name="Declare", exact=True).click()
    assert "Declared, and recorded." in page.inner_text("main")
    [window] = story.daemon.ask("declarations")["maintenance"]
    assert (window["by"], window["reason"], window["scope"]) == ("alice", "storage upgrade", ["lab"])
    page.goto(f"{story.console}/en/")
    assert "storage upgrade" in page.inner_text("main")
    page.get_by_role("link", name=window["id"]).click()
    page.get_by_label("Yes, cancel this maintenance").check()
    page.get_by_role("button", name="Cancel the maintenance").click()
    assert "Cancelled, and recorded." in page.inner_text("main")
    assert story.daemon.ask("declarations")["maintenance"][0]["cancelled"]


def test_an_outage_is_excluded_by_one_and_approved_by_another_and_the_figures_change(story: Story) -> None:
    before = story.figures()["downtime_seconds"]
    assert before > 0
    alice = without_scripts(story, ALICE)
    alice.goto(f"{story.console}/en/outages/{story.outage['id']}")
    alice.get_by_label("Category").select_option("customer")
    alice.get_by_label("What proves it").fill("letter 0317/4521")
    alice.get_by_role("button", name="Preview").click()
    assert "Downtime so far that it would excuse" in alice.inner_text("main")
    alice.get_by_role("button", name="Ask for the exclusion").click()
    asked = alice.url
    assert "It excuses once somebody else approves it." in alice.inner_text("main")
    assert story.figures()["downtime_seconds"] == before
    assert alice.get_by_role("button", name="Approve").count() == 0
    assert forced(alice) == 422  # the rule is the desk's, whatever the page shows
    assert story.figures()["downtime_seconds"] == before

    bob = without_scripts(story, BOB)
    bob.goto(f"{story.console}/en/")
    bob.get_by_role("link", name=asked.rpartition("/")[2].partition("?")[0]).click()
    bob.get_by_role("button", name="Approve as bob").click()
    assert "Approved, and recorded." in bob.inner_text("main")
    after = story.figures()
    assert (after["downtime_seconds"], after["excused_seconds"]) == (before - story.outage["seconds"], before)
    bob.goto(f"{story.console}/en/changes")
    rows = [row.inner_text() for row in bob.get_by_role("row").all()]
    [approval] = [row for row in rows if "Approved" in row]
    [exclusion] = [row for row in rows if "Exclusion asked for" in row]
    assert "user bob" in approval
    assert "user alice" in exclusion
    assert "letter 0317/4521" in exclusion


def forced(page: Page) -> int:
    """The status of an approval that the page offers no button for, sent with the page's own token."""
    token = page.locator("input[name=token]").first.get_attribute("value")
    form: dict[str, str | float | bool] = {"token": str(token), "act": "approve"}
    return page.request.post(page.url.partition("?")[0], form=form, max_redirects=0).status


@pytest.mark.parametrize(("language", "scheme", "width"), [("en", "light", 1280), ("th", "dark", 390)])
def test_axe_finds_no_barrier_on_any_page(story: Story, language: str, scheme: str, width: int) -> None:
    page = page_of(story.browser, color_scheme=scheme, viewport={"width": width, "height": 800})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    for path in paths(story):
        page.goto(f"{story.console}/{language}/{path}")
        assert page.get_attribute("html", "lang") == language
        assert barriers(page) == [], path
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path  # nothing scrolls the page sideways
    page.goto(f"{story.console}/{language}/maintenance/new")
    page.locator("button[value=preview]").click()
    assert barriers(page) == []
    assert [one for one in complaints if "422" not in one] == []


def paths(story: Story) -> list[str]:
    declared = story.daemon.ask("declarations")
    own = [f"maintenance/{one['id']}" for one in declared["maintenance"]]
    own += [f"exclusions/{one['id']}" for one in declared["exclusions"]]
    own += [f"tickets/{one['id']}" for one in story.daemon.ask("tickets")["tickets"]]
    listed = ("", "maintenance", "outages", "exclusions", "tickets", "reports", "changes")
    return [*listed, "maintenance/new", "tickets/new", f"outages/{story.outage['id']}", *own]


def test_the_log_says_who_did_what(story: Story) -> None:
    lines = [json.loads(line) for line in story.daemon.log.read_text().splitlines() if line.startswith("{")]
    assert {"user alice", "user bob"} >= {one["proof"] for one in lines if one["event"] == "declaration.recorded"}
