"""Templates: escaped throughout, and a name that is not given is an error and not an empty place."""

from dataclasses import dataclass
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from monitor import texts
from monitor.pages.assets import Assets
from monitor.texts import LANGUAGES, Language


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page stands: `path` below its language, as `services/mail` in `/th/services/mail`.

    Links are relative, so that a reverse proxy may serve all pages below a path of its own.
    """

    language: Language
    path: str = ""

    @property
    def root(self) -> str:
        """From the page to what stands above the languages."""
        return "../" * (self.path.count("/") + 1)

    @property
    def home(self) -> str:
        """From the page to the first page of its language."""
        return f"{self.root}{self.language}/"

    @property
    def elsewhere(self) -> tuple[tuple[Language, str], ...]:
        """The same page in the other languages."""
        return tuple((one, f"{self.root}{one}/{self.path}") for one in LANGUAGES if one != self.language)


class Renderer:
    """The templates of a package (in its folder `templates`) over those that all share."""

    def __init__(self, package: str, assets: Assets) -> None:
        self._environment = Environment(
            loader=ChoiceLoader([PackageLoader(package), PackageLoader("monitor.pages")]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals["assets"] = assets.urls

    def page(self, template: str, place: Place, **values: Any) -> str:
        """A page, with its texts as `t` and its place as `place`."""
        t = texts.of(place.language)
        return self._environment.get_template(template).render(t=t, place=place, **values)

    def plain(self, template: str, **values: Any) -> str:
        """What stands in no layout."""
        return self._environment.get_template(template).render(**values)
