"""What is fetched for a domain's facts: the MTA-STS policy, and the certificates that an exchanger presents."""

import asyncio
import ssl
from collections.abc import Callable, Sequence

import aiohttp
from yarl import URL

from probes import net, tls
from probes.base import Steps
from probes.errors import Cause, ProbeFailureError, translating
from probes.posture.domain import Chain, Policy
from probes.session import abort
from probes.smtp import SmtpOptions, SmtpProbe
from probes.visit import Connector

DEADLINE = 15.0  # seconds
MAX_POLICY = 64 * 1024  # bytes (RFC 8461 section 3.3)


def fetched(monotonic: Callable[[], float], context: Callable[[], ssl.SSLContext], port: int = 443) -> Policy:
    """Fetches the policy of a domain: verified HTTPS, no redirect followed (RFC 8461 section 3.3)."""

    async def policy(domain: str) -> str:
        url = URL.build(scheme="https", host=f"mta-sts.{domain}", port=port, path="/.well-known/mta-sts.txt")
        return await fetch(url, context(), monotonic)

    return policy


async def fetch(url: URL, context: ssl.SSLContext, monotonic: Callable[[], float]) -> str:
    """The text at an address. Raises ProbeFailureError."""
    connector = Connector(Steps(monotonic), context, None)
    try:
        with translating():
            async with (
                asyncio.timeout(DEADLINE),
                aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session,
                session.get(url, allow_redirects=False, headers={"Accept-Encoding": "identity"}) as response,
            ):
                if response.status != 200:
                    raise ProbeFailureError(Cause.CONTENT, f"{url}: HTTP {response.status}")
                body = b""
                async for block in response.content.iter_any():
                    body += block
                    if len(body) > MAX_POLICY:
                        raise ProbeFailureError(Cause.CONTENT, f"{url}: more than {MAX_POLICY} bytes")
                return body.decode("utf-8", "replace")
    except TimeoutError:
        raise ProbeFailureError(Cause.TIMEOUT, f"{url}: no answer within {DEADLINE:g} s") from None
    finally:
        connector.abort()


def presented(monotonic: Callable[[], float], port: int = 25) -> Chain:
    """Looks at the certificates of an exchanger behind STARTTLS, without verifying them."""

    async def chain(host: str) -> Sequence[bytes]:
        probe = SmtpProbe(SmtpOptions.model_validate({"host": host, "port": port, "tls": "starttls"}))
        session = probe.session(steps := Steps(monotonic))
        try:
            with translating():
                async with asyncio.timeout(DEADLINE):
                    await net.open_connection(steps, lambda: session.protocol, probe.endpoint, None)
                    await session.greeting()
                    await session.capability()
                    transport = await session.starttls(tls.blind_context(), host)
                    return tls.sent(transport.get_extra_info("ssl_object"))
        except TimeoutError:
            raise ProbeFailureError(Cause.TIMEOUT, f"no answer within {DEADLINE:g} s") from None
        finally:
            abort(session)

    return chain
