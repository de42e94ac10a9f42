"""Style sheets and fonts: read once, under names that say what is in them, so that browsers keep them for good."""

import mimetypes
from collections.abc import Iterator, Mapping
from hashlib import sha256
from importlib import resources
from pathlib import PurePath
from types import MappingProxyType

from aiohttp import web

from monitor.pages.answers import Answer, respond

FOREVER = "public, max-age=31536000, immutable"
FONTS = ("Sarabun-Regular.ttf", "Sarabun-Bold.ttf")
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".ttf": "font/ttf"}


class Assets:
    """The files of `static` folders of packages, and the fonts. A style sheet names a font as `url(Sarabun-Bold.ttf)`.

    `urls` has for each file's name where it stands below the pages' root.
    """

    def __init__(self, *packages: str) -> None:
        found = {name: _read("monitor.texts", "fonts", name) for name in FONTS}
        sheets: dict[str, bytes] = {}
        for package in ("monitor.pages", *packages):
            folder = resources.files(package) / "static"
            sheets |= {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}
        named = {name: _named(name, body) for name, body in found.items()}
        for name, body in sheets.items():
            found[name] = _with_names(body, named)
        self._by_name = {_named(name, body): Answer(body, _type(name)) for name, body in found.items()}
        self.urls: Mapping[str, str] = MappingProxyType(
            {name: f"static/{_named(name, body)}" for name, body in found.items()}
        )

    def routes(self, root: str = "") -> list[web.RouteDef]:
        return [web.get(f"{root}/static/{{name}}", self._get)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    async def _get(self, request: web.Request) -> web.Response:
        found = self._by_name.get(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound(text="there is no such file")
        return respond(request, found, FOREVER)


def _read(package: str, *path: str) -> bytes:
    return resources.files(package).joinpath(*path).read_bytes()


def _named(name: str, body: bytes) -> str:
    """`style.css` as `style.1f2e3d4c5b6a.css`."""
    path = PurePath(name)
    return f"{path.stem}.{sha256(body).hexdigest()[:12]}{path.suffix}"


def _with_names(sheet: bytes, named: Mapping[str, str]) -> bytes:
    for name, full in named.items():
        sheet = sheet.replace(f"url({name})".encode(), f"url({full})".encode())
    return sheet


def _type(name: str) -> str:
    suffix = PurePath(name).suffix
    return _TYPES.get(suffix) or mimetypes.types_map[suffix]
