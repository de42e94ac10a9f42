"""The status page in real Chromium: axe-core, the keyboard, a narrow screen, light and dark, and without scripts."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from threading import Event, Thread

import pytest
from playwright.sync_api import Browser, Page

from monitor.texts import Language
from tests.console.browser import barriers, chromium, page_of
from tests.statuspage.scenes import BROKEN, MAINTAINED, NOW, STORY, Scene, at, fleet, served

SCENES: dict[str, Scene] = {
    "broken": replace(BROKEN, status={"details": True}),
    "maintained": MAINTAINED,
    "unseen": replace(STORY, silent=[("mailgothai/imap", at("12:00"), NOW + 1)]),
    "fleet": fleet(),
}
PAGES = {
    "broken": ("", "services/mailgothai", "history", "maintenance", "services/nobody"),
    "maintained": ("", "services/mailgothai", "maintenance"),
    "unseen": ("", "services/mailgothai"),
    "fleet": ("", "?q=boats&state=up", "?q=nowhere"),
}


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The addresses of all scenes, served in a thread of their own."""
    urls: dict[str, str] = {}
    ready = Event()
    loop, done = asyncio.new_event_loop(), asyncio.Event()

    async def serve() -> None:
        async with AsyncExitStack() as stack:
            for name, scene in SCENES.items():
                site = await stack.enter_async_context(served(scene, tmp_path_factory.mktemp(name)))
                urls[name] = site.url
            ready.set()
            await done.wait()

    thread = Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(60)
        yield urls
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def window(browser: Browser, *, width: int = 1280, scheme: str = "light") -> Page:
    return page_of(browser, viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=False)


ALL = [(scene, *look) for scene in SCENES for look in (("en", "light", 1280), ("th", "dark", 390))]
"""Whatever there is to show is looked at twice, the pages that hold everything in every combination."""


@pytest.mark.parametrize(
    ("scene", "language", "scheme", "width"), [*ALL, ("broken", "th", "light", 1280), ("broken", "en", "dark", 390)]
)
def test_axe_finds_no_barrier_on_any_page(
    sites: dict[str, str], browser: Browser, scene: str, language: Language, scheme: str, width: int
) -> None:
    page = page_of(browser, viewport={"width": width, "height": 900}, color_scheme=scheme)
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text))
    for path in PAGES[scene]:
        page.goto(f"{sites[scene]}/{language}/{path}")
        assert page.get_attribute("html", "lang") == language
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert barriers(page) == [], path
    assert [one for one in complaints if "404" not in one] == []
    page.context.close()


@pytest.mark.parametrize("scene", SCENES)
def test_nothing_has_to_be_scrolled_sideways_on_the_narrowest_screen(
    sites: dict[str, str], browser: Browser, scene: str
) -> None:
    """WCAG 1.4.10: 320 CSS pixels, in the language with the longer words."""
    page = page_of(browser, viewport={"width": 320, "height": 640})
    for path in PAGES[scene]:
        page.goto(f"{sites[scene]}/th/{path}")
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path
    page.context.close()


def test_everything_can_be_reached_by_the_keyboard_and_is_seen_to_be(sites: dict[str, str], browser: Browser) -> None:
    page = page_of(browser)
    page.goto(f"{sites['fleet']}/en/")
    seen = []
    for _ in range(12):
        page.keyboard.press("Tab")
        text, outlined, inside = page.evaluate(
            "(() => { const one = document.activeElement, box = one.getBoundingClientRect();"
            " return [one.innerText || one.id, getComputedStyle(one).outlineStyle !== 'none',"
            " box.left >= 0 && box.top >= 0 && box.right <= innerWidth] })()"
        )
        assert (outlined, inside) == (True, True), text
        seen.append(text.strip())
    assert seen[:2] == ["Skip to the content", "Mail service status"]
    assert seen.index("ภาษาไทย") < seen.index("Sweets Institute") < seen.index("q") < seen.index("Show")
    page.context.close()


def test_the_skip_link_skips(sites: dict[str, str], browser: Browser) -> None:
    page = window(browser)
    page.goto(f"{sites['broken']}/en/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.url.endswith("#content")
    page.context.close()


def test_an_agency_is_found_without_a_script(sites: dict[str, str], browser: Browser) -> None:
    page = window(browser, width=390, scheme="dark")
    page.goto(f"{sites['fleet']}/th/")
    page.get_by_label("ค้นหาบริการหรือหน่วยงาน").fill("ขนมหวาน")
    page.get_by_label("สถานะ", exact=True).select_option("down")
    page.get_by_role("button", name="แสดง").click()
    assert page.get_by_role("status").inner_text() == "1 จาก 320 รายการ"
    page.get_by_role("link", name="สถาบันขนมหวาน").last.click()
    assert page.get_by_role("heading", level=1).inner_text() == "สถาบันขนมหวาน"
    page.get_by_role("link", name="English").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Sweets Institute"
    page.context.close()


def test_states_differ_by_more_than_colour(sites: dict[str, str], browser: Browser) -> None:
    """Each has a word, and a mark of a shape of its own."""
    shapes = set()
    for scene in ("broken", "maintained", "unseen"):
        page = window(browser)
        page.goto(f"{sites[scene]}/en/")
        assert page.locator(".banner h1").inner_text().strip()
        shapes.add(page.locator(".banner .mark .shape").get_attribute("d"))
        page.context.close()
    assert len(shapes) == 3


def test_the_fonts_are_the_pages_own(sites: dict[str, str], browser: Browser) -> None:
    page = page_of(browser)
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    page.goto(f"{sites['broken']}/th/")
    page.evaluate("document.fonts.ready")
    assert page.evaluate("document.fonts.check('16px Sarabun')")
    assert any("Sarabun" in url for url in loaded)
    assert {url for url in loaded if not url.startswith(sites["broken"])} == set()
    page.context.close()
