"""A real Apprise in a process of its own: what it says, and that nothing of a URL gets out."""

import asyncio
import importlib.util
import socket
from pathlib import Path

import pytest

from monitor.alerting import sender
from monitor.alerting.sender import send, understood
from monitor.settings import ConfigurationError, load
from tests.alerting.webhook import webhook
from tests.lab import wait_until

MESSAGE = {"title": "mailuptime [page] mail is down", "body": "Down.", "kind": "failure"}
TEXT = """\
notify:
  urls: [{file: url}]
services:
  - {name: mail, targets: [{name: imap, type: imap, host: imap.example.go.th}]}
"""


def configured(directory: Path, url: str) -> Path:
    (directory / "url").write_text(url, encoding="utf-8")
    (directory / "url").chmod(0o600)
    file = directory / "mailuptime.yaml"
    file.write_text(TEXT, encoding="utf-8")
    return file


def couriers() -> list[str]:
    """Processes of this one that hand over a message."""
    children = [pid for file in Path("/proc/self/task").glob("*/children") for pid in file.read_text().split()]
    return [pid for pid in children if b"courier.py" in Path(f"/proc/{pid}/cmdline").read_bytes()]


async def test_a_message_arrives_with_its_title_body_and_type() -> None:
    with webhook() as hook:
        assert await send({"url": hook.url, **MESSAGE}) == "sent"
    (received,) = hook.received
    assert (received["title"], received["message"], received["type"]) == (MESSAGE["title"], "Down.", "failure")


async def test_a_refusal_is_told_by_its_status_and_a_missing_server_as_such() -> None:
    with webhook() as hook:
        hook.status = 500
        assert await send({"url": hook.url, **MESSAGE}) == "answered 500"
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        assert await send({"url": f"json://127.0.0.1:{sock.getsockname()[1]}/s3cr3t", **MESSAGE}) == "no connection"


async def test_a_receiver_that_hangs_is_given_up_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "DEADLINE", 2.0)
    with webhook() as hook:
        hook.status = None
        # A read's own time limit of Apprise, 4 s by default, is longer.
        assert await send({"url": hook.url, **MESSAGE}) == "no answer in 2 s"


async def test_who_is_cancelled_leaves_no_process_behind() -> None:
    with webhook() as hook:
        hook.status = None
        sending = asyncio.create_task(send({"url": hook.url, **MESSAGE}))
        await asyncio.to_thread(wait_until, lambda: bool(hook.received), "the message")
        assert len(couriers()) == 1
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
    assert couriers() == []


async def test_a_url_that_apprise_does_not_know_is_refused_with_its_place_and_without_its_text(tmp_path: Path) -> None:
    file = configured(tmp_path, "pigeon://s3cr3t@loft")
    with pytest.raises(ConfigurationError) as caught:
        await understood(load(file))
    assert str(caught.value).startswith(
        f"{file}:2:10: notify.urls[0]: what stands in file {tmp_path / 'url'} is no URL"
    )
    assert "s3cr3t" not in str(caught.value)


async def test_a_url_that_apprise_knows_is_accepted_without_a_word_to_anybody(tmp_path: Path) -> None:
    with webhook() as hook:
        await understood(load(configured(tmp_path, hook.url)))
    assert hook.received == []


def test_without_apprise_one_line_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    file = configured(tmp_path, "json://127.0.0.1")
    with pytest.raises(ConfigurationError) as caught:
        load(file)
    assert str(caught.value) == (
        f"{file}:1:1: notify: notifications need Apprise, which is not installed; "
        "install it: pip install 'mailuptime[notifications]'"
    )
