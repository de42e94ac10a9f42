"""What is fetched for a domain's facts: certificates for DANE, policies over HTTPS."""

import hashlib
import ssl
import time
from collections.abc import Sequence

import pytest
import trustme
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from yarl import URL

from probes.errors import Cause, ProbeFailureError
from probes.posture import dane, policy
from probes.posture.facts import Verdict
from probes.posture.lookup import Lookup
from tests.lab import Lab
from tests.posture.zone import serving


def digests(der: bytes) -> tuple[str, str]:
    """SHA-256 of the whole certificate, and of its public key."""
    key = x509.load_der_x509_certificate(der).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest(), hashlib.sha256(spki).hexdigest()


async def asked(records: Sequence[str], chain: Sequence[bytes], *, authentic: bool = True) -> tuple[Verdict, str]:
    async def presented(_: str) -> Sequence[bytes]:
        return chain

    zone = {("_25._tcp.mx.example.test", "TLSA"): list(records)}
    async with serving(zone, authentic=authentic) as server:
        fact = await dane.tlsa("mx.example.test", Lookup([server]), presented)
    return fact.verdict, fact.detail


@pytest.fixture(scope="module")
def chain() -> list[bytes]:
    """Two certificates: the server's own, and what stands for the one above it."""
    made = [trustme.CA().issue_cert("mx.example.test") for _ in range(2)]
    return [ssl.PEM_cert_to_DER_cert(one.cert_chain_pems[0].bytes().decode()) for one in made]


async def test_a_record_fits_its_own_certificate_only(chain: list[bytes]) -> None:
    """3 1 1 and 3 0 1 the server's own, 2 x 1 the ones above it."""
    (own, own_key), (above, above_key) = map(digests, chain)
    for record in (f"3 1 1 {own_key}", f"3 0 1 {own}", f"2 1 1 {above_key}", f"2 0 1 {above}"):
        assert (await asked([record], chain))[0] is Verdict.GOOD, record
    for record in (f"3 1 1 {above_key}", f"2 1 1 {own_key}", f"3 0 1 {own_key}"):
        verdict, detail = await asked([record], chain)
        assert (verdict, detail) == (Verdict.BAD, "no TLSA record of mx.example.test fits its certificate")
    assert (await asked([f"3 1 1 {above_key}", f"3 1 1 {own_key}"], chain))[0] is Verdict.GOOD


async def test_records_must_be_there_and_validated(chain: list[bytes]) -> None:
    """PKIX usages say nothing to SMTP."""
    (own, own_key), _ = map(digests, chain)
    assert (await asked([], chain))[1] == "no TLSA record for mx.example.test"
    assert (await asked([f"1 0 1 {own}"], chain))[1] == "no TLSA record for mx.example.test"
    assert "not validated" in (await asked([f"3 1 1 {own_key}"], chain, authentic=False))[1]


async def test_the_certificate_of_a_real_server_is_seen_behind_starttls(shared_lab: Lab) -> None:
    """Unverified, the chain as it is sent."""
    seen = await policy.presented(time.monotonic, shared_lab.ports.smtp)("localhost")
    names = x509.load_der_x509_certificate(seen[0]).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert "localhost" in names.value.get_values_for_type(x509.DNSName)


async def test_a_policy_is_fetched_over_verified_tls_and_no_redirect_is_followed() -> None:
    """What is too long, missing or elsewhere is no policy."""
    ca = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    ca.issue_cert("127.0.0.1").configure_cert(server)
    ca.configure_trust(client)

    async def text(_: web.Request) -> web.Response:
        return web.Response(text="version: STSv1\n")

    async def moved(_: web.Request) -> web.Response:
        raise web.HTTPFound("/policy")

    async def long(_: web.Request) -> web.Response:
        return web.Response(text="x" * (policy.MAX_POLICY + 1))

    app = web.Application()
    app.add_routes([web.get("/policy", text), web.get("/moved", moved), web.get("/long", long)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server).start()
    home = URL.build(scheme="https", host="127.0.0.1", port=runner.addresses[0][1])
    try:
        assert await policy.fetch(home / "policy", client, time.monotonic) == "version: STSv1\n"
        for path, said in (("moved", "HTTP 302"), ("long", "more than"), ("none", "HTTP 404")):
            with pytest.raises(ProbeFailureError) as caught:
                await policy.fetch(home / path, client, time.monotonic)
            assert caught.value.cause is Cause.CONTENT
            assert said in caught.value.reply
        with pytest.raises(ProbeFailureError) as caught:
            await policy.fetch(home / "policy", ssl.create_default_context(), time.monotonic)
        assert caught.value.cause is Cause.TLS_CERTIFICATE
    finally:
        await runner.cleanup()
