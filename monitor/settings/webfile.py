"""The web configuration: the file format that Prometheus' exporters share, read as strictly as the configuration.

Beside what that format has, nothing; what Python's TLS cannot do of it is refused, never left out in silence.
"""

import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, PlainValidator, model_validator

from monitor.core.instants import SECOND
from monitor.settings.fields import Context, Duration, FilePath, Kind, RefusedError, Switch, Text, count, shape, written
from monitor.settings.nodes import read
from monitor.settings.problems import ConfigurationError, Report, suggest
from monitor.settings.reader import Reader
from monitor.settings.sections import Section

LEAST_COST, MOST_COST = 4, 16
"""Of bcrypt: 16 takes some five seconds a password, and what asks for more is a mistake or an attack."""
_BCRYPT = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}", re.ASCII)
CIPHERS = {
    f"TLS_ECDHE_{key}_WITH_{name}": f"ECDHE-{key}-{openssl}"
    for key in ("ECDSA", "RSA")
    for name, openssl in {
        "AES_128_GCM_SHA256": "AES128-GCM-SHA256",
        "AES_256_GCM_SHA384": "AES256-GCM-SHA384",
        "CHACHA20_POLY1305_SHA256": "CHACHA20-POLY1305",
        "AES_128_CBC_SHA": "AES128-SHA",
        "AES_256_CBC_SHA": "AES256-SHA",
    }.items()
}
"""Go's names of the suites up to TLS 1.2, and OpenSSL's; those of TLS 1.3 cannot be chosen in either."""
OF_TLS_1_3 = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
UNVERIFIED = ("RequestClientCert", "RequireAnyClientCert")


def _cipher(value: Any) -> str:
    text = written(value, "a cipher suite")
    if text not in CIPHERS and text not in OF_TLS_1_3:
        raise RefusedError(f'unknown cipher suite "{text[:60]}"', suggest(text, (*CIPHERS, *OF_TLS_1_3)))
    return text


def _client_auth(value: Any) -> str:
    text = written(value, "a policy")
    known = ("NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert")
    if text in UNVERIFIED:
        raise RefusedError(f"{text} is not supported: it verifies nothing", "write RequireAndVerifyClientCert")
    if text not in known:
        raise RefusedError(f'unknown policy "{text[:60]}"', f"known: {', '.join(known)}")
    return text


def _unsupported(hint: str) -> PlainValidator:
    def refuse(_value: Any) -> None:
        raise RefusedError("is not supported", hint)

    return PlainValidator(refuse)


def _hash(value: Any) -> str:
    """A bcrypt hash; what is none may be a password, so it is never repeated."""
    found = _BCRYPT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise RefusedError("not a bcrypt hash", 'htpasswd -nBC 10 "" | tr -d ":\\n" makes one')
    if not LEAST_COST <= int(found[1]) <= MOST_COST:
        raise RefusedError(f"the hash's cost is not between {LEAST_COST} and {MOST_COST}", "10 is usual")
    return str(value)


def _named(users: dict[str, str]) -> dict[str, str]:
    if any(":" in name or not name.isprintable() or not name for name in users):
        raise RefusedError("a user's name has no colon, no control character and is not empty")
    return users


def _line(value: Any) -> str:
    text = written(value, "a header's value")
    if not text or not text.isprintable():
        raise RefusedError("one line of text is expected")
    return text


Policy = Annotated[str, PlainValidator(_client_auth), Kind("policy")]
Suite = Annotated[str, PlainValidator(_cipher), Kind("cipher suite")]
Users = Annotated[dict[str, Annotated[str, PlainValidator(_hash)]], AfterValidator(_named)]
Line = Annotated[str, PlainValidator(_line), Kind("text")]
Burst = Annotated[int, count(1, 10**6), Kind("whole number", "requests")]
Inline = Annotated[None, _unsupported("write its _file key, and what stands here into a file")]
Curves = Annotated[None, _unsupported("leave it out; the curves of OpenSSL are used")]
Version = Literal["TLS12", "TLS13"]


class TlsServer(Section):
    """TLS for the listener; the files are read again when they change."""

    cert_file: FilePath = Field(description="The certificate, and what leads to its root.", examples=["server.crt"])
    key_file: FilePath = Field(description="Its key; not readable by everybody.", examples=["server.key"])
    client_auth_type: Policy = Field("NoClientCert", description="Whether clients show a certificate.")
    client_ca_file: FilePath | None = Field(None, description="Who signs the clients' certificates.")
    client_allowed_sans: tuple[Text, ...] = Field((), description="Names of which a client's certificate has one.")
    min_version: Version = Field("TLS12", description="The least version of TLS.")
    max_version: Version = Field("TLS13", description="The greatest.")
    cipher_suites: tuple[Suite, ...] = Field((), description="Suites of TLS 1.2; by default OpenSSL's.")
    prefer_server_cipher_suites: Switch = Field(True, description="Whether the server's order decides.")
    cert: Inline = None
    key: Inline = None
    client_ca: Inline = None
    curve_preferences: Curves = None

    @model_validator(mode="after")
    def _together(self) -> "TlsServer":
        verifies = self.client_auth_type != "NoClientCert"
        if verifies and self.client_ca_file is None:
            raise RefusedError(f"{self.client_auth_type} needs client_ca_file")
        if self.client_ca_file is not None and not verifies:
            raise RefusedError("client_ca_file without a client_auth_type", "write RequireAndVerifyClientCert")
        if self.client_allowed_sans and self.client_auth_type != "RequireAndVerifyClientCert":
            raise RefusedError("client_allowed_sans needs client_auth_type: RequireAndVerifyClientCert")
        if self.min_version > self.max_version:
            raise RefusedError("min_version is above max_version")
        return self


class Headers(Section):
    """Headers that every answer has."""

    content_security_policy: Line | None = Field(None, alias="Content-Security-Policy")
    x_frame_options: Literal["deny", "sameorigin"] | None = Field(None, alias="X-Frame-Options")
    x_content_type_options: Literal["nosniff"] | None = Field(None, alias="X-Content-Type-Options")
    x_xss_protection: Line | None = Field(None, alias="X-XSS-Protection")
    strict_transport_security: Line | None = Field(None, alias="Strict-Transport-Security")


class HttpServer(Section):
    """`http2` is understood and changes nothing: HTTP/1.1 is what is spoken."""

    http2: Switch = Field(True)
    headers: Headers = Field(Headers.model_construct())


class RateLimit(Section):
    """A token bucket over all requests; an interval of 0 is no limit."""

    interval: Duration = Field(0)
    burst: Burst = Field(1)


class _File(Section):
    tls_server_config: TlsServer | None = None
    http_server_config: HttpServer = Field(HttpServer.model_construct())
    basic_auth_users: Users = Field({})
    rate_limit: RateLimit = Field(RateLimit.model_construct())


@dataclass(frozen=True, slots=True)
class WebFile:
    """A web configuration without a problem; `places` knows its lines. The hashes of passwords do not print."""

    path: Path
    tls: TlsServer | None
    headers: Mapping[str, str]
    users: Mapping[str, str] = field(repr=False)
    interval: float  # seconds between requests, 0 for no limit
    burst: int
    places: Report = field(repr=False, compare=False)

    @property
    def files(self) -> tuple[Path, ...]:
        """All that it is made of."""
        tls = self.tls
        more = () if tls is None else (tls.cert_file, tls.key_file, tls.client_ca_file)
        return (self.path, *(path for path in more if path is not None))

    @property
    def authenticates(self) -> bool:
        """Whether somebody can show who he is."""
        return bool(self.users) or (self.tls is not None and self.tls.client_auth_type != "NoClientCert")


def load_web_file(path: Path) -> WebFile:
    """Read a web configuration. Raises ConfigurationError with all its problems."""
    document = read(path, "name it in config_file, readable for the daemon's user")
    report, tree = document.report, {} if document.root is None else document.root
    if not isinstance(tree, dict):
        report.add((), f"a mapping is expected, not {shape(tree)}")
        raise ConfigurationError(report.problems)
    made = Reader(document, Context(ZoneInfo("UTC"), path.absolute().parent), {}).model(_File, tree, ())
    if made is not None and made.basic_auth_users and path.stat().st_mode & stat.S_IROTH:
        report.add(("basic_auth_users",), "can be read by everybody", f"chmod o-r {path}", at="key")
    report.stop()
    if made is None:
        raise ConfigurationError(report.problems)
    headers = made.http_server_config.headers.model_dump(by_alias=True, exclude_none=True)
    limit = made.rate_limit
    return WebFile(
        path, made.tls_server_config, headers, made.basic_auth_users, limit.interval / SECOND, limit.burst, report
    )
