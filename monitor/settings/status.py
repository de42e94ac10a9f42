"""The section `status`: the page on which customers see for themselves."""

import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, PlainValidator

from monitor.settings.fields import FilePath, Kind, Listen, RefusedError, Switch, quote, written
from monitor.settings.models import Title
from monitor.settings.problems import suggest
from monitor.settings.reader import Reader
from monitor.settings.sections import Section
from monitor.settings.security import Names
from monitor.settings.uses import Names as Known
from monitor.texts import Language


def _page(value: Any) -> str:
    text = written(value, "an address")
    try:
        parts = urlsplit(text)
        whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.query and not parts.fragment
    except ValueError:
        whole = False
    if not whole or re.search(r"[^!-~]", text):
        raise RefusedError(
            f"{quote(text)} is not the address of a page", "write it as in https://status.example.go.th/"
        )
    return text


PageAddress = Annotated[str, PlainValidator(_page), Kind("URL")]


class StatusSettings(Section):
    """The status page on a listener of its own; without `listen` there is none. See STATUS_PAGE.md."""

    listen: Listen | None = Field(
        None,
        description="Where to listen; port 0 lets the system choose. A change takes effect at the next start.",
        examples=["0.0.0.0:8080"],
    )
    config_file: FilePath | None = Field(
        None,
        description="TLS, client certificates and users, as for `web`; without it everybody may read the page.",
        examples=["/etc/mailuptime/status-web.yml"],
    )
    title: Title = Field(Title.model_construct(), description="What the page is called.")
    language: Language = Field("th", description="Of who asks for neither language.", examples=["en"])
    url: PageAddress | None = Field(
        None,
        description="The page's public address, for the links in feeds and calendars.",
        examples=["https://status.example.go.th/"],
    )
    hide: Names = Field((), description="Services that are not shown.", examples=["[cluster-north]"])
    details: Switch = Field(
        False,
        description="Whether names of targets and hosts, and what servers reply, are shown to whoever reads the page.",
        examples=["true"],
    )


def report_status(reader: Reader, status: StatusSettings, names: Known) -> None:
    """Each service that is hidden must be there."""
    services = [name for name in names.known if "/" not in name]
    for index, name in enumerate(status.hide):
        if name not in services:
            reader.report.add(("status", "hide", index), f"there is no service {quote(name)}", suggest(name, services))
