"""The API is what its description says: schemathesis asks it what the description allows, and what it does not."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from monitor.web.api.operations import OPERATIONS
from monitor.web.api.reference import reference
from tests.console.scene import ALICE, scene_of
from tests.web.api.asking import asked
from tests.web.api.past import Past


def test_whatever_schemathesis_asks_is_answered_as_described(past: Past, tmp_path: Path) -> None:
    """`make api` asks more."""
    done = asked(past.daemon, tmp_path, examples=25, seed=7)
    assert done.returncode == 0, done.stdout[-8000:]
    assert "Tested: 15" in done.stdout
    assert "Missing test data" not in done.stdout  # it got behind the 404s
    assert past.daemon.get("/-/healthy")[0] == 200


def test_whatever_somebody_writes_who_may_is_answered_as_described(tmp_path: Path) -> None:
    with scene_of(tmp_path) as scene:
        done = asked(scene.daemon, tmp_path, examples=5, seed=7, user=ALICE)
        assert done.returncode == 0, done.stdout[-8000:]
        assert "Authentication failed" not in done.stdout
        assert scene.get("en/").status == 200
        assert len(scene.daemon.ask("tickets", state="any")["tickets"]) > 1


def test_the_description_is_of_openapi_3_1_and_leaves_no_operation_out(past: Past) -> None:
    status, body = past.daemon.get("/api/v1/openapi.json")
    described = json.loads(body)
    assert (status, described["openapi"]) == (200, "3.1.0")
    assert set(described["paths"]) >= {
        "/api/v1/services", "/api/v1/services/{name}/months/{month}", "/api/v1/outages", "/api/v1/maintenance",
    }  # fmt: skip
    assert 'href="/api/v1/openapi.json"' in past.daemon.get("/")[1]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: str(one.identity))
def test_no_key_of_an_answer_is_left_out_of_the_description(past: Past, operation: Any) -> None:
    described = closed(json.loads(past.daemon.get("/api/v1/openapi.json")[1]))
    path = operation.path.format(name="mail", month=past.month)
    document = json.loads(past.daemon.get(f"/api/v1{path}")[1])
    schema = {"$ref": f"#/components/schemas/{operation.schema}", "components": described["components"]}
    assert [error.message for error in jsonschema_rs.iter_errors(schema, document)] == []

    assert not jsonschema_rs.is_valid(schema, {**document, "more": 1})


def closed(schema: Any) -> Any:
    """The same where every object may have no key but those that are described."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: closed(value) for key, value in schema.items()}
    return made | ({"additionalProperties": False} if made.get("type") == "object" else {})


def test_the_page_about_the_api_is_made_from_its_table() -> None:
    page = Path(__file__).parents[3] / "docs" / "API.md"
    assert page.read_text(encoding="utf-8") == reference(), "run: python -m monitor.web.api.reference > docs/API.md"
