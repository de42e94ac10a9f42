"""blackbox_exporter as a contestant: the same dialogues as scripts of its TCP module, asked for over HTTP."""

import asyncio
import base64
import json
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp

from bench.peers.minimal import pace as paced
from bench.peers.yard import Pace, processor_seconds
from tests.lab import Lab, wait_until
from tests.lab.configuration import free_port
from tests.lab.ports import accepts

PROGRAM = "/usr/bin/prometheus-blackbox-exporter"


def _said(*turns: tuple[str, str]) -> list[dict[str, str]]:
    """What to send, and what to wait for; an empty text is left out."""
    lines = []
    for send, expect in turns:
        lines += [{"send": f"{send}\r"}] if send else []
        lines += [{"expect": expect}] if expect else []
    return lines


def _modules(lab: Lab) -> dict[str, Any]:
    tls = {"ca_file": str(lab.ca_file), "server_name": "localhost"}
    plain = base64.b64encode(f"\0{lab.probe.username}\0{lab.probe.password}".encode()).decode()
    greeted = [*_said(("", "^220"), ("EHLO bench.invalid", "STARTTLS"), ("STARTTLS", "^220")), {"starttls": True}]
    imap = _said(
        ("", "^. OK"), ("a CAPABILITY", "^a OK"), (f"b AUTHENTICATE PLAIN {plain}", "^b OK"),
        ("c SELECT INBOX", "^c OK"), ("d STATUS INBOX (MESSAGES UNSEEN UIDNEXT)", "^d OK"), ("e LOGOUT", "^e OK"),
    )  # fmt: skip
    pop3 = _said(
        ("", "^.OK"), ("CAPA", r"^\."), (f"AUTH PLAIN {plain}", "^.OK"), ("STAT", "^.OK"),
        ("LIST", r"^\."), ("UIDL", r"^\."), ("QUIT", "^.OK"),
    )  # fmt: skip
    smtp = [*greeted, *_said(("EHLO bench.invalid", "^250 "), ("QUIT", "^221"))]
    submission = [
        *greeted, *_said(("EHLO bench.invalid", "^250 "), (f"AUTH PLAIN {plain}", "^235"), ("QUIT", "^221"))
    ]  # fmt: skip
    scripts = {"imap": (imap, True), "pop3": (pop3, True), "smtp": (smtp, False), "submission": (submission, False)}
    tcp = {
        name: {"prober": "tcp", "timeout": "5s", "tcp": {"query_response": script, "tls": secure, "tls_config": tls}}
        for name, (script, secure) in scripts.items()
    }
    page = {"fail_if_body_not_matches_regexp": ["_token"], "tls_config": tls, "preferred_ip_protocol": "ip4"}
    return tcp | {"webmail": {"prober": "http", "timeout": "5s", "http": page}}


@contextmanager
def running(lab: Lab, program: str = PROGRAM) -> Iterator[tuple[str, int]]:
    """The address to ask, and the process id."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "blackbox.yml")
        file.write_text(json.dumps({"modules": _modules(lab)}), encoding="utf-8")
        port = free_port()
        command = [program, f"--config.file={file}", f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            try:
                wait_until(lambda: accepts(port), "blackbox_exporter to listen")
                yield f"http://127.0.0.1:{port}/probe", process.pid
            finally:
                process.terminate()


def cost(lab: Lab, kind: str, port: int, pace: Pace, seconds: float, program: str = PROGRAM) -> float:
    """Milliseconds of processor time for a check, its answer over a kept connection included."""
    target = lab.webmail_url if kind == "webmail" else f"127.0.0.1:{port}"

    async def drive(url: str, pid: int) -> float:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

            async def check() -> None:
                async with session.get(url, params={"module": kind, "target": target}) as answer:
                    if "\nprobe_success 1" not in await answer.text():
                        raise RuntimeError(f"blackbox_exporter found {kind} down: the race is off")

            await paced(check, pace.endpoints, pace.interval, 1.0)
            before = processor_seconds(pid)
            took = await paced(check, pace.endpoints, pace.interval, seconds)
            return 1000 * (processor_seconds(pid) - before) / len(took)

    with running(lab, program) as (url, pid):
        return asyncio.run(drive(url, pid))
