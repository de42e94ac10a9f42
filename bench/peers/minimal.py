"""Contestants of one's own, each a process: the TLS handshake alone, and a minimal loop over the same libraries.

`python -m bench.peers.minimal handshake|loop KIND …` checks at a pace and prints what it took. No phases, no evidence,
no causes, nothing recorded: what is left out here is what the daemon costs. Mail is spoken by the calls that aiosmtplib
and aioimaplib offer; for POP3 and web pages there are streams and aiohttp.
"""

import asyncio
import base64
import json
import resource
import ssl
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass

import aiohttp
from aioimaplib.aioimaplib import IMAP4_SSL
from aiosmtplib import SMTP

from monitor import loops


@dataclass(frozen=True)
class Job:
    """`seconds` after a first one in which everything warms up; `interval` in seconds, for each endpoint."""

    kind: str
    port: int
    ca_file: str
    username: str
    password: str
    endpoints: int
    interval: float
    seconds: float


class Client:
    def __init__(self, job: Job) -> None:
        self.job = job
        self._loop = asyncio.get_running_loop()
        self._context = ssl.create_default_context(cafile=job.ca_file)
        self._plain = base64.b64encode(f"\0{job.username}\0{job.password}".encode()).decode()

    async def handshake(self) -> None:
        """TCP, TLS, and away; behind STARTTLS there is no handshake alone."""
        transport, _ = await self._loop.create_connection(
            asyncio.Protocol, "127.0.0.1", self.job.port, ssl=self._context, server_hostname="localhost"
        )
        transport.abort()

    async def imap(self) -> None:
        client = IMAP4_SSL("127.0.0.1", self.job.port, ssl_context=self._context)
        await client.wait_hello_from_server()  # and for the capabilities
        _demand((await client.login(self.job.username, self.job.password)).result == "OK")
        _demand((await client.select("INBOX")).result == "OK")
        _demand((await client.status("INBOX", "(MESSAGES UNSEEN UIDNEXT)")).result == "OK")
        await client.logout()

    async def smtp(self) -> None:
        await self._smtp(login=False)

    async def submission(self) -> None:
        await self._smtp(login=True)

    async def _smtp(self, *, login: bool) -> None:
        client = SMTP(hostname="127.0.0.1", port=self.job.port, local_hostname="bench.invalid", start_tls=False)
        await client.connect()
        await client.ehlo()
        await client.starttls(server_hostname="localhost", tls_context=self._context)
        await client.ehlo()
        if login:
            await client.auth_plain(self.job.username, self.job.password)
        await client.quit()

    async def pop3(self) -> None:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.job.port, ssl=self._context, server_hostname="localhost"
        )
        await _line(reader)
        for command in ("CAPA", f"AUTH PLAIN {self._plain}", "STAT", "LIST", "UIDL", "QUIT"):
            writer.write(f"{command}\r\n".encode())
            await _line(reader)
            while command in {"CAPA", "LIST", "UIDL"} and await reader.readline() != b".\r\n":
                pass
        writer.transport.abort()

    async def webmail(self) -> None:
        connector = aiohttp.TCPConnector(ssl=self._context, force_close=True, use_dns_cache=False)
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.get(f"https://localhost:{self.job.port}/") as response,
        ):
            _demand("_token" in await response.text())


async def _line(reader: asyncio.StreamReader) -> None:
    _demand((await reader.readline()).startswith(b"+OK"))


def _demand(well: bool) -> None:  # noqa: FBT001
    if not well:
        raise RuntimeError("a check failed: the race is off")


async def pace(check: Callable[[], Awaitable[None]], endpoints: int, interval: float, seconds: float) -> list[float]:
    """Check each endpoint at its interval, evenly spread; returns how long each check took."""
    took: list[float] = []
    begin = time.monotonic()
    end = begin + seconds

    async def one(number: int) -> None:
        due = begin + interval * number / endpoints
        while due < end:
            await asyncio.sleep(due - time.monotonic())
            began = time.monotonic()
            await check()
            took.append(time.monotonic() - began)
            due = max(due + interval, time.monotonic())

    await asyncio.gather(*(one(number) for number in range(endpoints)))
    return took


async def main(contestant: str, job: Job) -> None:
    client = Client(job)
    check = client.handshake if contestant == "handshake" else getattr(client, job.kind)
    await pace(check, job.endpoints, job.interval, 1.0)
    before = resource.getrusage(resource.RUSAGE_SELF)
    took = await pace(check, job.endpoints, job.interval, job.seconds)
    after = resource.getrusage(resource.RUSAGE_SELF)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"checks": len(took), "cpu": spent, "took": sorted(took)}))


def arguments(contestant: str, job: Job) -> list[str]:
    """The command of a contestant; passwords of the lab only, which ends with the race."""
    return [sys.executable, "-m", "bench.peers.minimal", contestant, json.dumps(asdict(job))]


if __name__ == "__main__":
    loops.run(main(sys.argv[1], Job(**json.loads(sys.argv[2]))))
