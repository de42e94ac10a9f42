"""Decides how a person reaches the console: in real Chromium, signed in as somebody, with or without scripts."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from tests.web.place import ALICE

WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", chromium_sandbox=False)
        try:
            yield browser
        finally:
            browser.close()


def page_of(browser: Browser, user: tuple[str, str] = ALICE, **more: Any) -> Page:
    """A window of its own; a page that says something on the browser's console fails whoever uses it."""
    context = browser.new_context(http_credentials={"username": user[0], "password": user[1]}, **more)
    page = context.new_page()
    page.set_default_timeout(20_000)
    return page


def barriers(page: Page) -> list[str]:
    """What axe-core finds on a page that keeps people out: the rule, and where."""
    found = Axe().run(page, options=WCAG).response["violations"]
    return [f"{one['id']}: {node['target']} {node['failureSummary']}" for one in found for node in one["nodes"]]
