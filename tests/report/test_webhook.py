"""One try of telling a webhook, against a real server on the loopback."""

import asyncio

import pytest

from monitor.report import webhook as telling
from tests.alerting.webhook import webhook
from tests.lab.configuration import free_port

MESSAGE = {"event": "report", "month": "2026-11", "revision": 1}


def told(url: str) -> str | None:
    return asyncio.run(telling.tell(url, MESSAGE))


@pytest.mark.parametrize(("status", "said"), [(200, None), (204, None), (302, "answered 302"), (503, "answered 503")])
def test_only_a_status_of_success_counts_as_told(status: int, said: str | None) -> None:
    with webhook() as hook:
        hook.status = status
        assert told(hook.url.replace("json://", "http://")) == said
        assert hook.received == [MESSAGE]


def test_one_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "TIMEOUT", 0.4)
    with webhook() as hook:
        hook.status = None
        assert told(hook.url.replace("json://", "http://")) == "no answer in 0 s"


def test_where_nobody_listens_that_is_said_without_the_url() -> None:
    assert told(f"http://127.0.0.1:{free_port()}/s3cr3t") == "no connection"


@pytest.mark.parametrize(
    "url", ["ftp://example.go.th/s3cr3t", "s3cr3t", "http://", "http://[::1/s3cr3t", "http://a..b/s3cr3t"]
)
def test_what_is_no_address_of_a_webhook_is_said_without_it(url: str) -> None:
    assert "s3cr3t" not in (told(url) or "")
    assert "no URL" in (told(url) or "")
