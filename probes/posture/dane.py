"""TLSA records of mail exchangers against the certificates that they present: RFC 7672 (DANE for SMTP), RFC 6698."""

import hashlib
from collections.abc import Sequence
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from probes.errors import ProbeFailureError
from probes.posture.domain import Chain
from probes.posture.facts import Fact, bad, good, unknown
from probes.posture.lookup import Lookup

_TRUST_ANCHOR, _END_ENTITY = 2, 3  # the other usages say nothing to SMTP (RFC 7672 section 3.1.3)
_SPKI = 1
_HASHES = {1: hashlib.sha256, 2: hashlib.sha512}


async def tlsa(host: str, lookup: Lookup, chain: Chain) -> Fact:
    """Good: validated records, one of which fits what the host presents. Raises LookupFailedError."""
    answer = await lookup.ask(f"_25._tcp.{host}", "TLSA")
    usable = [one for one in answer.records if int(one.usage) in {_TRUST_ANCHOR, _END_ENTITY}]
    if not usable:
        return bad("tlsa", f"no TLSA record for {host}")
    if not answer.authentic:
        return bad("tlsa", f"the TLSA records of {host} are not validated by DNSSEC")
    try:
        presented = await chain(host)
    except ProbeFailureError as failure:
        return unknown("tlsa", f"{host}: {failure}")
    if any(fits(record, presented) for record in usable):
        return good("tlsa", host)
    return bad("tlsa", f"no TLSA record of {host} fits its certificate")


def fits(record: Any, presented: Sequence[bytes]) -> bool:
    """Whether a record names one of the certificates: the server's own, or one above it for a trust anchor."""
    candidates = presented[:1] if int(record.usage) == _END_ENTITY else presented[1:]
    return any(_data(der, int(record.selector), int(record.mtype)) == bytes(record.cert) for der in candidates)


def _data(der: bytes, selector: int, matching: int) -> bytes | None:
    """What a record would hold for a certificate (RFC 6698 sections 2.1.2 and 2.1.3)."""
    try:
        if selector == _SPKI:
            key = x509.load_der_x509_certificate(der).public_key()
            der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, TypeError):
        return None
    if matching == 0:
        return der
    return _HASHES[matching](der).digest() if matching in _HASHES else None
