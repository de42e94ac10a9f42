"""The facts of one mail server: what it must refuse. Nothing is logged in to, and no message is sent."""

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any

from probes import net, tls
from probes.base import Steps
from probes.errors import Cause, ProbeFailureError, translating
from probes.imap import ImapSession
from probes.pop3 import Pop3Session
from probes.posture.facts import Fact, bad, good, unknown
from probes.session import MailProbe, abort
from probes.smtp import SmtpProbe, SmtpSession

DEADLINE = 15.0  # seconds for one fact
_OLD = {"tls_1_0_refused": ssl.TLSVersion.TLSv1, "tls_1_1_refused": ssl.TLSVersion.TLSv1_1}
# How OpenSSL names a server's refusal of a version; everything else may have another reason
_REFUSALS = ("protocol version", "unsupported protocol", "wrong version", "handshake failure", "insufficient security")
_SENDER, _FOREIGN = "probe@example.com", "probe@example.net"  # reserved for documentation (RFC 2606)

FACTS = ("auth_needs_tls", "open_relay_refused", *_OLD)


async def facts(probe: MailProbe, monotonic: Callable[[], float]) -> list[Fact]:
    """Every fact that can be asked of a target, in the order of `FACTS`, one connection after the other."""
    mode = probe.options.tls.mode
    found = []
    if mode != "implicit":
        found.append(await _within("auth_needs_tls", _auth_needs_tls(probe, monotonic)))
    if isinstance(probe, SmtpProbe):
        found.append(await _within("open_relay_refused", _open_relay_refused(probe, monotonic)))
    if mode != "none":
        found += [await _within(name, _refused(name, probe, version, monotonic)) for name, version in _OLD.items()]
    return found


async def _within(name: str, question: Any) -> Fact:
    try:
        with translating():
            async with asyncio.timeout(DEADLINE):
                fact: Fact = await question
                return fact
    except TimeoutError:
        return unknown(name, f"no answer within {DEADLINE:g} s")
    except ProbeFailureError as failure:
        return unknown(name, str(failure))


@asynccontextmanager
async def _greeted(probe: MailProbe, steps: Steps, context: ssl.SSLContext | None) -> AsyncIterator[Any]:
    session = probe.session(steps)
    try:
        await net.open_connection(steps, lambda: session.protocol, probe.endpoint, context)
        await session.greeting()
        await session.capability()
        yield session
    finally:
        abort(session)


async def _auth_needs_tls(probe: MailProbe, monotonic: Callable[[], float]) -> Fact:
    """Good: before STARTTLS no way to log in is offered that would show the password."""
    steps = Steps(monotonic)
    async with _greeted(probe, steps, None) as session:
        offered = _plaintext_logins(session, steps.evidence.capabilities)
    if offered is None:
        return unknown("auth_needs_tls", "the server does not tell its capabilities")
    if offered:
        return bad("auth_needs_tls", f"offered before TLS: {', '.join(sorted(offered))}")
    return good("auth_needs_tls", "no log-in in clear is offered")


def _plaintext_logins(session: Any, capabilities: tuple[str, ...]) -> set[str] | None:
    """What shows the password to whoever listens; challenges do not."""
    if isinstance(session, SmtpSession):
        return {f"AUTH {name}" for name in ("PLAIN", "LOGIN") if f"AUTH {name}" in capabilities}
    if isinstance(session, ImapSession):
        listed = {f"AUTH={name}" for name in ("PLAIN", "LOGIN") if f"AUTH={name}" in session.capabilities}
        return listed | (set() if "LOGINDISABLED" in session.capabilities else {"LOGIN"})
    if isinstance(session, Pop3Session):
        if session.capabilities is None:
            return None
        sasl = session.capabilities.get("SASL", "").split()
        listed = {f"SASL {name}" for name in ("PLAIN", "LOGIN") if name in sasl}
        return listed | ({"USER"} if "USER" in session.capabilities else set())
    return None


async def _open_relay_refused(probe: SmtpProbe, monotonic: Callable[[], float]) -> Fact:
    """Good: nobody's mail for a stranger's domain is refused, however the address is dressed up."""
    context = tls.context(probe.options.tls) if probe.options.tls.mode == "implicit" else None
    host = probe.options.host.strip("[]")
    attempts = [(_SENDER, _FOREIGN), (f"postmaster@{host}", _FOREIGN), (_SENDER, f"@{host}:{_FOREIGN}")]
    async with _greeted(probe, Steps(monotonic), context) as session:
        if probe.options.tls.mode == "starttls":
            await session.starttls(tls.blind_context(), probe.endpoint.server_name)  # nothing secret is said
            await session.capability()
        temporary = ""
        for sender, recipient in attempts:
            for command in (f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>"):
                code, text = await session.protocol.execute_command(command.encode())
                if code >= 300:
                    break
            else:
                return bad("open_relay_refused", f"took mail from {sender} for {recipient}: {code} {text}")
            temporary = temporary or (f"{command}: {code} {text}" if 400 <= code < 500 else "")
            await session.protocol.execute_command(b"RSET")
    return unknown("open_relay_refused", temporary) if temporary else good("open_relay_refused", f"{code} {text}")


async def _refused(name: str, probe: MailProbe, version: ssl.TLSVersion, monotonic: Callable[[], float]) -> Fact:
    """Good: a handshake of this version alone fails by the server's will."""
    try:
        await _agree(probe, _only(version), monotonic)
    except ProbeFailureError as failure:
        reply = failure.reply.lower()
        if failure.cause is Cause.TLS_HANDSHAKE and "no protocols available" in reply:
            return unknown(name, "this machine's OpenSSL cannot offer it")
        if failure.cause is Cause.TLS_HANDSHAKE and any(word in reply for word in _REFUSALS):
            return good(name, failure.reply)
        if failure.cause is not Cause.DISCONNECTED:
            return unknown(name, str(failure))
    else:
        return bad(name, f"{version.name} was agreed upon")
    await _agree(probe, tls.blind_context(), monotonic)  # who hangs up on this as well does not mean the version
    return good(name, "the server hangs up on it")


async def _agree(probe: MailProbe, context: ssl.SSLContext, monotonic: Callable[[], float]) -> None:
    """A TLS handshake and nothing more. Raises ProbeFailureError."""
    if probe.options.tls.mode == "implicit":
        steps = Steps(monotonic)
        session = probe.session(steps)
        try:
            await net.open_connection(steps, lambda: session.protocol, probe.endpoint, context)
        finally:
            abort(session)
    else:
        async with _greeted(probe, Steps(monotonic), None) as session:
            await session.starttls(context, probe.endpoint.server_name)


@lru_cache(maxsize=2)
def _only(version: ssl.TLSVersion) -> ssl.SSLContext:
    """A context that offers one old version and verifies nothing: nothing is said over it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")  # at any higher level OpenSSL does not offer it at all
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that they are old is why they are asked about
        context.minimum_version = context.maximum_version = version
    return context
