"""Reports in the console: those that were written at a closing, and one made on request."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.console.scene import ALICE, Answer, Scene, scene_of
from tests.lab import wait_until


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """It writes its closed months as JSON."""
    report = {"directory": "reports", "languages": ["th"], "formats": ["json"]}
    with scene_of(tmp_path_factory.mktemp("reports"), report=report) as made:
        yield made


def written(scene: Scene) -> list[Path]:
    return list((scene.daemon.configuration.parent / "reports").glob("report-*"))


def test_what_was_written_at_a_closing_is_listed_and_saved(scene: Scene) -> None:
    name = f"report-{scene.month}-r1-th.json"
    wait_until(lambda: name in [one.name for one in written(scene)], "the report", seconds=60)
    assert name in scene.get("en/reports").text
    answer = scene.get(f"en/reports/{name}")
    assert answer.status == 200
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert json.loads(answer.body)["month"] == scene.month


@pytest.mark.parametrize(
    "name", ["report-2026-09-r9-th.json", "..%2Fweb.yml", "web.yml", ".report-2026-09-r1-th.json.part"]
)
def test_nothing_else_can_be_had(scene: Scene, name: str) -> None:
    for path in (scene.daemon.configuration.parent / "reports", scene.daemon.configuration.parent):
        path.mkdir(exist_ok=True)
    answer = scene.get(f"en/reports/{name}")
    assert (answer.status, "basic_auth_users" in answer.body) == (404, False)


def test_a_report_is_made_on_request_of_a_month_that_goes_on(scene: Scene) -> None:
    month = scene.daemon.ask("sla")["month"]
    answer = scene.get(f"en/reports/make?month={month}&language=en&format=json&service=mail")
    assert answer.status == 200, answer.text
    document = json.loads(answer.body)
    assert document["month"] == month
    assert answer.headers["Content-Disposition"].endswith(f'report-mail-{month}-en.json"')


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("month=2026-13&language=en&format=json", 422),
        ("language=en&format=json", 422),
        ("month=2026-11&language=de&format=json", 404),
        ("month=2026-11&language=en&format=exe", 404),
        ("month=2026-11&language=en&format=json&service=lba", 404),
    ],
)
def test_a_report_that_there_is_not_is_refused_with_the_form(scene: Scene, query: str, status: int) -> None:
    answer: Answer = scene.ask("GET", f"/console/th/reports/make?{query}", ALICE)
    assert answer.status == status
    assert answer.headers.get_content_type() == "text/html"
