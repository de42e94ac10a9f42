"""What all pages have in common: language, caching, escaping, and colours that can be told apart."""

import gzip
import re
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from jinja2 import UndefinedError

from monitor.pages.answers import FRESH, SECURITY, Answer, respond
from monitor.pages.assets import FOREVER, Assets
from monitor.pages.languages import negotiated
from monitor.pages.rendering import Place, Renderer
from monitor.texts import LANGUAGES, Language

PAGE = Answer("<p>สวัสดี</p>".encode() * 100, "text/html; charset=utf-8")


@pytest.fixture
async def client() -> AsyncIterator[ClientSession]:
    async def page(request: web.Request) -> web.Response:
        return respond(request, PAGE, FRESH, "Accept-Language")

    app = web.Application()
    app.add_routes([web.get("/page", page), *Assets().routes()])
    async with TestServer(app) as server, ClientSession(server.make_url("/"), auto_decompress=False) as session:
        yield session


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("", "th"),
        ("en-GB,en;q=0.9", "en"),
        ("de, en;q=0.3, th;q=0.5", "th"),
        ("EN", "en"),
        ("en;q=0, *;q=0.1", "th"),
        ("de;q=1, fr", "th"),
        ("en;q=much, th;q=0.1", "th"),
        ("en;q=nan", "th"),
        (";;;=,,, en;q=0.2", "en"),
    ],
)
def test_the_language_is_the_one_that_the_browser_asks_for(accept: str, language: Language) -> None:
    assert negotiated(accept, "th") == language


async def test_who_has_a_page_gets_no_body(client: ClientSession) -> None:
    for encoding in ("identity", "gzip"):
        first = await client.get("/page", headers={"Accept-Encoding": encoding})
        body = await first.read()
        assert (gzip.decompress(body) if encoding == "gzip" else body) == PAGE.body
        assert first.headers["Vary"] == "Accept-Encoding, Accept-Language"
        again = await client.get("/page", headers={"If-None-Match": first.headers["ETag"], "Accept-Encoding": encoding})
        assert (again.status, await again.read()) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]
    stale = await client.get("/page", headers={"If-None-Match": '"another"'})
    assert stale.status == 200


async def test_every_file_that_a_page_names_is_there_for_good(client: ClientSession) -> None:
    urls = Assets().urls
    sheet = await client.get(f"/{urls['style.css']}", headers={"Accept-Encoding": "identity"})
    named = re.findall(r"url\((.*?)\)", await sheet.text())
    assert len(named) == 2
    for url in [*urls.values(), *(f"static/{name}" for name in named)]:
        found = await client.get(f"/{url}")
        assert (found.status, found.headers["Cache-Control"]) == (200, FOREVER), url
    assert (await client.get("/static/style.css")).status == 404
    assert (await client.get("/static/..%2F__init__.py")).status == 404


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_layout_links_to_the_same_page_in_the_other_language(language: Language) -> None:
    page = Renderer("monitor.pages", Assets()).page("layout.html", Place(language, "services/mail"))
    other = "en" if language == "th" else "th"
    assert f'<html lang="{language}">' in page
    assert f'<a href="../../{other}/services/mail" lang="{other}"' in page


def test_templates_escape_and_do_not_guess() -> None:
    environment = Renderer("monitor.pages", Assets())._environment
    assert environment.from_string("{{ x }}").render(x="<script>'\"") == "&lt;script&gt;&#39;&#34;"
    with pytest.raises(UndefinedError):
        environment.from_string("{{ x }}").render()


def test_no_script_runs_and_nothing_comes_from_elsewhere() -> None:
    policy = SECURITY["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert not re.search(r"script-src|unsafe|https?:|\*", policy)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_ground(scheme: str) -> None:
    """WCAG 2.2, 1.4.3 and 1.4.11, of all colours and not only of those that a page happens to show."""
    colour = _colours(scheme)
    for name in ("text", "quiet", "link", "up", "down", "suspect", "unknown", "maintenance"):
        assert _contrast(colour[name], colour["card"]) >= 4.5, name
        assert _contrast(colour[name], colour["ground"]) >= 4.5, name
    for name in ("up", "down", "suspect", "unknown", "maintenance"):
        assert _contrast(colour[name], colour[f"{name}-tint"]) >= 4.5, name
        assert _contrast(colour["text"], colour[f"{name}-tint"]) >= 7, name
    for name in ("field", "focus"):
        assert _contrast(colour[name], colour["card"]) >= 3, name
    assert _contrast(colour["on-top"], colour["top"]) >= 7


def _colours(scheme: str) -> dict[str, str]:
    sheet = next(file.body for name, file in Assets()._by_name.items() if name.startswith("style.")).decode()
    light, dark = re.findall(r":root \{(.*?)\}", sheet, re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", light))
    return colours | (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", dark)) if scheme == "dark" else {})


def _contrast(one: str, other: str) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
