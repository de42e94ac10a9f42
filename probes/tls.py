"""What a TLS setting means and what a certificate says."""

import re
import ssl
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Self

from cryptography import x509
from pydantic import Field, model_validator

from probes.base import Certificate, Options

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


def context(options: TlsOptions) -> ssl.SSLContext:
    """The context of this setting, shared by all probes that have the same one: building it costs 20 ms.

    Raises ValueError where the `ca_file` cannot be used.
    """
    trusted = options.ca_file or ssl.get_default_verify_paths().cafile
    try:
        changed = Path(trusted).stat().st_mtime_ns if trusted else 0  # a reload must see a renewed file
        return _context(options.ca_file, changed, verify=options.verify)
    except OSError as error:  # ssl.SSLError is one
        raise ValueError(f"ca_file {options.ca_file}: {error.strerror or error}") from error


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


@lru_cache(maxsize=1024)
def facts(der: bytes) -> Certificate | None:
    """What a certificate says, or None where it cannot be read."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        return Certificate(
            subject=_short(certificate.subject.rfc4514_string()),
            issuer=_short(certificate.issuer.rfc4514_string()),
            names=_names(certificate),
            not_before=_seconds(certificate.not_valid_before_utc),
            not_after=_seconds(certificate.not_valid_after_utc),
        )
    except (
        ValueError,
        TypeError,
        x509.InvalidVersion,
        x509.UnsupportedGeneralNameType,
    ):  # OpenSSL is more lenient than the parser
        return None


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
