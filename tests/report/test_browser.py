"""The report as a page in real Chromium: by axe-core, on a wide and on a narrow screen."""

import pytest

from monitor.report.page import page_of
from tests.console.browser import barriers, chromium
from tests.declare.office import Office
from tests.report.conftest import gathered


@pytest.mark.parametrize("width", [1200, 390])
def test_nobody_is_kept_out_and_nothing_is_said_on_the_console(closed: Office, width: int) -> None:
    file = closed.place / "report.html"
    file.write_text(page_of(gathered(closed), "th"), encoding="utf-8")
    with chromium() as browser:
        page = browser.new_page(viewport={"width": width, "height": 800})
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.goto(file.as_uri())
        assert barriers(page) == []
        assert said == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("document.fonts.check('16px Sarabun')") is True
