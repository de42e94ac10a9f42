"""What a TLS setting means and what a certificate says."""

import re
import ssl
import warnings
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, Self

from cryptography import x509
from pydantic import Field, model_validator

from probes.base import Certificate, Link, Options

Mode = Literal["none", "starttls", "implicit"]

# OpenSSL's X509_V_ERR_* codes, as ssl.SSLCertVerificationError.verify_code gives them
_PROBLEMS = {
    9: "not_yet_valid",
    10: "expired",
    62: "name",
    64: "name",  # an IP address that the certificate does not list
    2: "untrusted",  # issuer not found
    18: "untrusted",  # self-signed
    19: "untrusted",  # self-signed, in the chain
    20: "untrusted",  # issuer not found locally
    21: "untrusted",  # a chain of one, not verified
    27: "untrusted",
}
_MAX_CHAIN = 10  # more certificates than any chain has
_DAY = 86_400
_DER = 2  # ssl's own number for the format
_MAX_NAMES = 100  # more names than a certificate of a mail service has; the rest is not kept


class TlsOptions(Options):
    """Either one word, `none`, `starttls` or `implicit`, or this mapping."""

    mode: Mode = Field(
        description="`implicit`: TLS from the first byte; `starttls`: upgraded before anything else is said, "
        "never continued in clear; `none`: in clear, login included.",
        examples=["starttls"],
    )
    ca_file: Path | None = Field(
        default=None,
        description="PEM file of the only certificate authorities to trust; by default the system's.",
        examples=["/etc/ssl/certs/agency-ca.pem"],
    )
    server_name: str | None = Field(
        default=None,
        min_length=1,
        description="Name to ask for (SNI) and to find in the certificate; by default the host.",
        examples=["mail.example.go.th"],
    )
    verify: bool = Field(
        default=True,
        description="Whether a certificate that does not verify is a failure of the check.",
        examples=[False],
    )
    min_days_left: int = Field(
        default=14,
        ge=0,
        description="Days before its end from which a certificate counts as expiring; never downtime.",
        examples=[30],
    )

    @model_validator(mode="before")
    @classmethod
    def _word(cls, value: Any) -> Any:
        return {"mode": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.verify and self.ca_file:
            raise ValueError("a ca_file has no effect with verify: false")
        return self


class CaFileError(ValueError):
    """A `ca_file` that cannot be used; the text is one line."""


def context(options: TlsOptions) -> ssl.SSLContext:
    """The context of this setting, shared by all probes that have the same one: building it costs 20 ms.

    Raises CaFileError where the `ca_file` cannot be used.
    """
    if (
        options.ca_file and options.ca_file.exists() and not options.ca_file.is_file()
    ):  # a device would be read for ever
        raise CaFileError(f"ca_file {options.ca_file}: not a file")
    trusted = options.ca_file or ssl.get_default_verify_paths().cafile
    try:
        changed = Path(trusted).stat().st_mtime_ns if trusted else 0  # a reload must see a renewed file
        return _context(options.ca_file, changed, verify=options.verify)
    except OSError as error:  # ssl.SSLError is one
        reason = "no certificate in PEM in it" if isinstance(error, ssl.SSLError) else error.strerror or error
        raise CaFileError(f"ca_file {options.ca_file}: {reason}") from error


def blind_context() -> ssl.SSLContext:
    """A context that verifies nothing, for looking at a certificate that failed verification."""
    return _context(None, 0, verify=False)


@lru_cache(maxsize=256)
def _context(ca_file: Path | None, _changed: int, *, verify: bool) -> ssl.SSLContext:
    if verify:
        return ssl.create_default_context(cafile=ca_file)
    unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    return unverified


def problem(error: BaseException | None) -> str:
    """Which of the problems of `Certificate` an exception, or one that caused it, tells of."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return _PROBLEMS.get(error.verify_code, "other")
        error = error.__cause__
    return "other"


def shown(session: ssl.SSLObject, now: float | None) -> Certificate | None:
    """The certificate of a session with its chain; where nothing was verified, with what is wrong with it too.

    `now` is in seconds since the epoch; without it nothing is expired. Who has signed is not judged here.
    """
    chain = tuple(sent(session)[:_MAX_CHAIN])
    der = chain[0] if chain else session.getpeercert(binary_form=True)
    certificate = _chained(der, chain) if der else None
    if certificate is None or session.context.verify_mode is not ssl.CERT_NONE:
        return certificate
    return replace(certificate, problems=faults(certificate, session.server_hostname or "", now))


@lru_cache(maxsize=1024)
def _chained(der: bytes, sent: tuple[bytes, ...]) -> Certificate | None:
    certificate = facts(der)
    if certificate is None:
        return None
    links = map(facts, sent)
    return replace(certificate, chain=tuple(Link(one.subject, one.issuer, one.not_after) for one in links if one))


def sent(session: ssl.SSLObject) -> list[bytes]:
    """The chain as the server sent it; before 3.13 the standard library has it without a public name."""
    public = getattr(session, "get_unverified_chain", None)
    if public:
        return list(public())
    inner: Any = getattr(session, "_sslobj", None)
    if not hasattr(inner, "get_unverified_chain"):
        return []
    return [one.public_bytes(_DER) for one in inner.get_unverified_chain() or ()]


def faults(certificate: Certificate, name: str, now: float | None) -> tuple[str, ...]:
    """Which of the checks that need no authority a certificate fails."""
    found = []
    if now is not None and now > certificate.not_after:
        found.append("expired")
    if now is not None and now < certificate.not_before:
        found.append("not_yet_valid")
    if not any(_covers(pattern.lower(), name.lower()) for pattern in certificate.names):
        found.append("name")
    return tuple(found)


def _covers(pattern: str, name: str) -> bool:
    """RFC 6125 section 6.4.3: an asterisk stands for the whole of the leftmost label, and never for an address."""
    first, _, rest = pattern.partition(".")
    if first == "*":
        return "." in rest and name.partition(".")[2] == rest and not name.replace(".", "").isdigit()
    return pattern == name.removesuffix(".")


def condemned(certificate: Certificate, failure: BaseException) -> Certificate:
    """A certificate that failed verification, with what OpenSSL says of it before what it did not come to say."""
    first = problem(failure)
    return replace(certificate, problem=first, problems=tuple(dict.fromkeys((first, *certificate.problems))))


def expiring(certificate: Certificate, min_days_left: int, now: float) -> str | None:
    """A warning where fewer days are left than wanted, and none for what has expired already."""
    days = (certificate.not_after - now) / _DAY
    if not 0 <= days < min_days_left:
        return None
    return f"certificate: {days:.1f} days left of the {min_days_left} wanted"


@lru_cache(maxsize=1024)
def facts(der: bytes) -> Certificate | None:
    """What a certificate says, or None where it cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is odd about a stranger's certificate is for nobody's log
            certificate = x509.load_der_x509_certificate(der)
        return Certificate(
            subject=_short(certificate.subject.rfc4514_string()),
            issuer=_short(certificate.issuer.rfc4514_string()),
            names=_names(certificate),
            not_before=_seconds(certificate.not_valid_before_utc),
            not_after=_seconds(certificate.not_valid_after_utc),
            fingerprint=sha256(der).hexdigest(),
            serial=_serial(certificate.serial_number),
        )
    except (
        ValueError,
        TypeError,
        x509.InvalidVersion,
        x509.UnsupportedGeneralNameType,
    ):  # OpenSSL is more lenient than the parser
        return None


def _serial(number: int) -> str:
    """Whole bytes, as issuers' lists and logs write it."""
    digits = f"{abs(number):x}"
    return digits.zfill(len(digits) + len(digits) % 2)


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        listed = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension):
        return ()
    names = [*listed.get_values_for_type(x509.DNSName), *map(str, listed.get_values_for_type(x509.IPAddress))]
    return tuple(_short(name) for name in names[:_MAX_NAMES])


def _short(text: str) -> str:
    return re.sub(r"[^\x20-\x7e\u0e00-\u0e7f]", "?", text[:200])  # a certificate is a stranger's words too


def _seconds(instant: datetime) -> float:
    return instant.timestamp()
