"""The section `security`: which servers and domains are asked for security facts."""

import re
from typing import Annotated, Any

from pydantic import Field, PlainValidator

from monitor.core.instants import HOUR
from monitor.settings import uses
from monitor.settings.fields import (
    Address,
    Kind,
    PositiveDuration,
    RefusedError,
    Switch,
    address,
    quote,
    shape,
    written,
)
from monitor.settings.reader import Reader
from monitor.settings.sections import Section

_LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_DOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})+", re.ASCII)


def _domain(value: Any) -> str:
    text = written(value, "a domain").rstrip(".").lower()
    try:
        ascii_text = text if text.isascii() else text.encode("idna").decode()
    except UnicodeError:
        ascii_text = ""
    if len(ascii_text) > 253 or _DOMAIN.fullmatch(ascii_text) is None:
        raise RefusedError(f"{quote(text)} is not a domain", "write it as in example.go.th")
    return ascii_text


def _nameserver(value: Any) -> Address:
    text = written(value, "an address")
    found = address(
        text if re.search(r"\]:\d+$|^[^:]+:\d+$", text) else f"[{text}]:53" if ":" in text else f"{text}:53"
    )
    if re.fullmatch(r"[0-9.]+|[0-9A-Fa-f:.]+", found.host) is None:
        raise RefusedError(f"{quote(text)} is not an address", "a name server is named by its address: 127.0.0.1")
    return found


def _list_of(kind: Any) -> PlainValidator:
    def items(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise RefusedError(f"a list is expected, not {shape(value)}")
        return tuple(kind(item) for item in value)

    return PlainValidator(items)


Domains = Annotated[tuple[str, ...], _list_of(_domain), Kind("list of domains")]
Nameservers = Annotated[tuple[Address, ...], _list_of(_nameserver), Kind("list of addresses")]
Names = Annotated[tuple[str, ...], _list_of(lambda value: written(value, "a name")), Kind("list of names")]


class SecuritySettings(Section):
    """Security facts beside availability, never inside it. Nothing is asked unless a target or a domain is named."""

    interval: PositiveDuration = Field(HOUR, description="Between two times that everything is asked.", examples=["1h"])
    targets: Names = Field(
        (),
        description="Mail targets that are asked what they must refuse: `service/target`, or a service for all of its.",
        examples=["[mailgothai]"],
    )
    domains: Domains = Field(
        (), description="Mail domains whose DNS records are looked at.", examples=["[example.go.th]"]
    )
    dnsbl: Domains = Field(
        (), description="DNS block lists that are asked about the mail exchangers.", examples=["[dnsbl.example.org]"]
    )
    mta_sts_policy: Switch = Field(
        True, description="Whether the MTA-STS policy of a domain is fetched over HTTPS.", examples=["false"]
    )
    nameservers: Nameservers = Field(
        (), description="Resolvers to ask; by default the system's.", examples=['["127.0.0.1:53"]']
    )


def report_targets(reader: Reader, security: SecuritySettings, names: uses.Names) -> None:
    """Each target that is named must be there."""
    for index, name in enumerate(security.targets):
        if name not in names:
            loc = ("security", "targets", index)
            reader.report.add(loc, f"there is no service or target {quote(name)}", names.meant(name))
