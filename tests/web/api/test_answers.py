"""How the API answers: pages that nothing new shifts, ETags, and problems for whatever is refused."""

import http.client
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from tests.e2e.commands import mailuptime
from tests.lab.configuration import free_port
from tests.lab.daemon import Daemon
from tests.web.api.past import OUTAGES, Past
from tests.web.place import ALICE, Place
from tests.web.test_web_configuration import basic, curl


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Any
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


def ask(daemon: Daemon, path: str, method: str = "GET", **headers: str) -> Answer:
    connection = http.client.HTTPConnection(urlsplit(daemon.url).netloc, timeout=10)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


def refused(answer: Answer, status: int) -> str:
    """The detail of a problem that is one."""
    assert (answer.status, answer.headers.get_content_type()) == (status, "application/problem+json")
    document = answer.document
    assert (document["status"], document["type"]) == (status, "about:blank")
    assert "\n" not in document["detail"]
    return str(document["detail"])


def pages(past: Past, path: str, key: str, limit: int) -> list[list[Any]]:
    found, cursor = [], ""
    while True:
        document = ask(past.daemon, f"{path}&limit={limit}{cursor}").document
        found.append(document[key])
        if document["next"] is None:
            return found
        cursor = f"&cursor={quote(document['next'])}"


def test_without_a_limit_the_answers_are_whole_and_those_of_the_commands(past: Past) -> None:
    told = mailuptime("outages", "-c", past.office.configuration, "--month", past.month, "--format", "json").document
    assert ask(past.daemon, f"/api/v1/outages?month={past.month}").document == told
    assert len(told["outages"]) == OUTAGES
    listed = mailuptime("maintenance", "list", "-c", past.office.configuration, "--format", "json").document
    assert ask(past.daemon, "/api/v1/maintenance").document["maintenance"] == listed["maintenance"]
    assert [one["cancelled"] for one in listed["maintenance"]] == [False, False, True]


@pytest.mark.parametrize("limit", [1, 2, 4, 5, 1000])
def test_pages_put_together_are_the_whole_and_none_is_empty(past: Past, limit: int) -> None:
    whole = ask(past.daemon, f"/api/v1/outages?month={past.month}").document["outages"]
    found = pages(past, f"/api/v1/outages?month={past.month}", "outages", limit)
    assert [one for page in found for one in page] == whole
    assert all(len(page) == limit for page in found[:-1])
    assert 0 < len(found[-1]) <= limit


def test_what_is_declared_between_two_pages_comes_last(past: Past) -> None:
    first = ask(past.daemon, "/api/v1/maintenance?limit=2").document
    span = ("--start", "2090-05-01T00:00", "--end", "2090-05-02T00:00", "--reason", "more", "--by", "ops")
    assert mailuptime("maintenance", "add", *span, "--id", "CHG-9", "-c", past.office.configuration).status == 0
    second = ask(past.daemon, f"/api/v1/maintenance?cursor={first['next']}").document
    assert [one["id"] for one in first["maintenance"]] == ["CHG-1", "CHG-2"]
    assert [one["id"] for one in second["maintenance"]] == ["CHG-3", "CHG-9"]
    assert second["next"] is None


def test_a_service_is_asked_for_alone_and_one_that_there_is_not_is_told(past: Past) -> None:
    one = ask(past.daemon, f"/api/v1/outages?month={past.month}&service=mail").document
    assert len(one["outages"]) == OUTAGES
    assert '"lba"' in refused(ask(past.daemon, "/api/v1/outages?service=lba"), 404)
    assert "/api/v1/services" in refused(ask(past.daemon, "/api/v1/services/lba/months/2026-11"), 404)


def test_who_has_the_answer_already_is_told_so_until_it_changes(past: Past) -> None:
    path = f"/api/v1/services/mail/months/{past.month}"
    first = ask(past.daemon, path)
    tag = first.headers["ETag"]
    assert tag.startswith('"')  # strong
    for given in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = ask(past.daemon, path, If_None_Match=given)
        assert (again.status, again.body, again.headers["ETag"]) == (304, b"", tag)
    assert ask(past.daemon, path, If_None_Match='"other"').body == first.body
    assert ask(past.daemon, f"{path[:-2]}01").headers["ETag"] != tag
    assert first.headers["Cache-Control"] == "no-cache"


def test_head_is_get_without_the_body(past: Past) -> None:
    path = f"/api/v1/outages?month={past.month}"
    whole, head = ask(past.daemon, path), ask(past.daemon, path, "HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["ETag"] == whole.headers["ETag"]
    assert head.headers["Content-Length"] == str(len(whole.body))


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_what_cannot_be_done_is_told_with_what_can(past: Past, method: str) -> None:
    answer = ask(past.daemon, "/api/v1/outages", method)
    assert "does not take that method" in refused(answer, 405)
    assert {one.strip() for one in answer.headers["Allow"].split(",")} == {"GET", "HEAD"}


@pytest.mark.parametrize(
    ("query", "parameter", "said"),
    [
        ("month=2026-13", "month", '"2026-13"'),
        ("mnoth=2026-11", "mnoth", 'did you mean "month"?'),
        ("month=2026-11&month=2026-10", "month", "more than once"),
        ("limit=0", "limit", "1 to 1000"),
        ("limit=1001", "limit", "1 to 1000"),
        ("limit=%D9%A1", "limit", "1 to 1000"),
        ("cursor=last", "cursor", "next"),
        ("limit=&cursor=1", "limit", "1 to 1000"),
    ],
)
def test_a_parameter_that_cannot_be_is_named(past: Past, query: str, parameter: str, said: str) -> None:
    answer = ask(past.daemon, f"/api/v1/outages?{query}")
    assert said in refused(answer, 400)
    assert answer.document["parameter"] == parameter


def test_what_is_nowhere_is_a_problem_under_the_api_alone(past: Past) -> None:
    assert "openapi.json" in refused(ask(past.daemon, "/api/v2/services"), 404)
    assert ask(past.daemon, "/nothing").headers.get_content_type() == "text/plain"


def test_who_may_not_ask_is_turned_away_with_a_problem_and_asked_for_a_password(tmp_path: Path) -> None:
    place, port = Place(tmp_path), free_port()
    place.web(basic_auth_users=place.users, rate_limit={"interval": "1h", "burst": 3})
    url = f"http://127.0.0.1:{port}/api/v1/services"
    with Daemon(place.configuration(port), port):
        unknown, known, changing, many = curl(url), curl(url, *basic(ALICE)), curl(url, "-X", "POST"), curl(url)
    assert (unknown.code, known.code, changing.code, many.code) == (401, 200, 401, 429)
    assert "www-authenticate: basic" in unknown.headers
    for answer in (unknown, changing, many):
        assert "content-type: application/problem+json" in answer.headers
        assert json.loads(answer.body)["status"] == answer.code
