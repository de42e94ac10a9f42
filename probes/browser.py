"""A visit with a real browser, which runs in a process of its own: asked over a pipe or a socket, in lines of JSON."""

import asyncio
import binascii
import json
import os
import sys
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import Field
from yarl import URL

from probes.base import Login, Options, Steps
from probes.errors import Cause, ProbeFailureError
from probes.forms import FormOptions
from probes.processes import kill_below, own_path

MAX_SCREENSHOT = 1 << 20
_MAX_LINE = 2 * MAX_SCREENSHOT  # Base64 takes four characters for three bytes
_FAREWELL = 2.0  # seconds for the browser's own end, before it is killed
PHASES = frozenset({"launch", "page", "login", "message", "logout"})
_HOW = "install the package mailuptime-browser, or pip install 'mailuptime[browser]' and apt install chromium"


class Message(Options):
    """Which message to open after the log-in, by selectors of CSS."""

    link: str = Field(min_length=1, description="The link or row of the newest message.", examples=["#list a"])
    shown: str = Field(min_length=1, description="What is visible once the message is open.", examples=["#body"])
    logout: str | None = Field(default=None, description="The link that logs out.", examples=["a.logout"])


ROUNDCUBE_MESSAGE = Message(
    link="#messagelist tbody tr.message td.subject a", shown="#messagebody", logout="a.logout[href*='_task=logout']"
)


class BrowserOptions(Options):
    """A Chromium that logs in as a user does, opens a message and keeps a picture of what went wrong."""

    executable: Path = Field(
        default=Path("/usr/bin/chromium"), description="The browser's program.", examples=["/usr/bin/chromium"]
    )
    socket: Path | None = Field(
        default=None,
        description="Socket of the unit mailuptime-browser, which then runs the browser (its own `executable`); "
        "by default the daemon starts it.",
        examples=["/run/mailuptime-browser.sock"],
    )
    patience: int = Field(
        default=8,
        ge=1,
        le=300,
        description="Seconds that a page, a log-in or a message may take each before it is given up with a "
        "screenshot. The whole check has the target's `timeout`, behind which there is none.",
        examples=[10],
    )
    message: Message | None = Field(
        default=None,
        description="Which message to open; by default Roundcube's newest, and none with `flavour: form`.",
        examples=[{"link": "#list a", "shown": "#body"}],
    )

    def message_of(self, flavour: str) -> Message | None:
        return self.message or (ROUNDCUBE_MESSAGE if flavour == "roundcube" else None)


@dataclass(frozen=True, slots=True)
class Task:
    """What the browser is to do.

    `address` and `certificate` (DER) are those of the connection that this probe has just verified; `exactly` that
    no other certificate will do, since it is not the system's authorities that are trusted.
    """

    url: URL
    address: str
    certificate: bytes | None
    exactly: bool
    login: Login
    form: FormOptions
    message: Message | None

    def document(self, patience: int) -> dict[str, Any]:
        """The request. It holds the password and never goes anywhere but into the pipe or the socket."""
        return {
            "url": str(self.url),
            "address": self.address,
            "pin": _pin(self.certificate) if self.certificate else None,
            "not_after": _not_after(self.certificate) if self.certificate and self.exactly else None,
            "username": self.login.username,
            "password": self.login.password.reveal(),
            "form": self.form.model_dump(),
            "message": self.message.model_dump() if self.message else None,
            "patience": patience,
        }


def _pin(der: bytes) -> str:
    """The hash of the certificate's public key by which Chromium takes it as verified."""
    key = x509.load_der_x509_certificate(der).public_key()
    digest = Hash(SHA256())
    digest.update(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    return b64encode(digest.finalize()).decode()


def _not_after(der: bytes) -> int:
    return int(x509.load_der_x509_certificate(der).not_valid_after_utc.timestamp())


async def browse(steps: Steps, options: BrowserOptions, task: Task) -> None:
    """Have the task done, in the phases that the browser reports. Nothing of the browser is left afterwards."""
    request = json.dumps(task.document(options.patience)).encode() + b"\n"
    async with AsyncExitStack() as browser:
        with steps("launch"):
            reader, writer = await browser.enter_async_context(_reached(options))
            writer.write(request)
            phase = await _until_next(steps, reader)
        while phase:
            with steps(phase):
                phase = await _until_next(steps, reader)


async def _until_next(steps: Steps, reader: asyncio.StreamReader) -> str | None:
    """Take what the browser reports within one phase; the phase after it, or None at the end."""
    while True:
        try:
            line = await reader.readline()
            told = json.loads(line)
        except (ValueError, OSError, RecursionError):  # nothing, too much, or no JSON
            raise ProbeFailureError(Cause.BROWSER, "the browser's process ended without an answer") from None
        match told:
            case {"phase": str(name)} if name in PHASES:
                return name
            case {"status": int(status)}:
                steps.reply(f"HTTP {status}")
            case {"screenshot": str(picture)}:
                with suppress(binascii.Error, ValueError):
                    steps.evidence.attachments["screenshot.png"] = b64decode(picture)[:MAX_SCREENSHOT]
            case {"failure": str(cause), "reply": str(reply)} if cause in set(Cause):
                raise ProbeFailureError(Cause(cause), reply)
            case {"done": True}:
                return None
            case _:
                raise ProbeFailureError(Cause.BROWSER, "the browser's process says what is not understood")


@asynccontextmanager
async def _reached(options: BrowserOptions) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    if options.socket is None:
        async with _started(options.executable) as streams:
            yield streams
        return
    try:
        reader, writer = await asyncio.open_unix_connection(str(options.socket), limit=_MAX_LINE)
    except OSError as error:
        text = f"{options.socket}: {error.strerror}; systemctl start mailuptime-browser.socket"
        raise ProbeFailureError(Cause.BROWSER, text) from None
    try:
        yield reader, writer
    finally:
        writer.transport.abort()  # the worker ends itself, and the browser, with the connection


@asynccontextmanager
async def _started(executable: Path) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    with TemporaryDirectory(prefix="mailuptime-browser-", ignore_cleanup_errors=True) as home:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "probes.browser_worker", f"--executable={executable}",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=_MAX_LINE,
            start_new_session=True,
            env=_environment(home),
        )  # fmt: skip
        if process.stdin is None or process.stdout is None:
            raise ProbeFailureError(Cause.BROWSER, _HOW)
        try:
            yield process.stdout, process.stdin
        finally:
            await _ended(process)


def _environment(home: str) -> dict[str, str]:
    """No more than a browser needs: neither passwords nor where they are kept."""
    kept = {name: os.environ[name] for name in ("PATH", "VIRTUAL_ENV", "LANG") if name in os.environ}
    return {**kept, "PYTHONPATH": own_path(), "HOME": home, "TMPDIR": home}


async def _ended(process: asyncio.subprocess.Process) -> None:
    """End the worker: at the end of its input it kills all that is below it, whoever started it."""
    if process.stdin is not None and not process.stdin.is_closing():  # it is, where the worker has ended by itself
        process.stdin.transport.abort()
    ending = asyncio.create_task(_waited(process))
    try:
        await asyncio.shield(ending)
    except asyncio.CancelledError:
        await ending
        raise


async def _waited(process: asyncio.subprocess.Process) -> None:
    try:
        async with asyncio.timeout(_FAREWELL):
            await process.wait()
    except TimeoutError:
        kill_below(process.pid)
        process.kill()
        await process.wait()
