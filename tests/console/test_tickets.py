"""Incidents, requests and complaints through the console: recorded, answered, resolved and closed against clocks."""

import json
import re

from tests.console.scene import ALICE, BOB, Scene
from tests.console.test_forms import local
from tests.lab import wait_until

NEW = "en/tickets/new"


def ticket(scene: Scene, identity: str) -> dict[str, object]:
    found = [one for one in scene.daemon.ask("tickets")["tickets"] if one["id"] == identity]
    assert len(found) == 1
    return dict(found[0])


def recorded(scene: Scene, **form: str) -> str:
    """Its page."""
    answer = scene.send(NEW, ALICE, act="open", **form)
    assert answer.status == 303, answer.text
    return str(answer.headers["Location"]).partition("?")[0].lstrip("./")


def test_an_incident_goes_from_its_record_to_its_close(scene: Scene) -> None:
    form = {"what": "incident P1", "channel": "email", "agency": "กรมบัญชีกลาง", "recorded": local(-1), "id": "INC-100"}
    path = recorded(scene, **form)
    page = scene.get(path)
    assert "Incident INC-100" in page.text
    assert re.search(r"Answer late by 0 h 30 min .*target 0 h 30 min", page.text)
    assert re.search(r"Resolution 2 h (35|36) min left", page.text)
    listed = scene.get("en/tickets").text
    assert "INC-100" in listed
    assert "The agreement promises 99.0 %." in listed
    assert re.search(r"Answer 0 1 \d 0.0 %", listed)  # of one that was late; those of the monitor ask for none
    scene.followed(scene.send(path, ALICE, act="respond", at=local(-0.9)))
    early = scene.send(path, ALICE, act="resolve", at=local(-2))
    assert early.status == 422
    assert "This lies before it was recorded" in early.text
    resolved = scene.followed(scene.send(path, BOB, act="resolve"), BOB)
    assert "The resolution is recorded." in resolved.text
    neither = scene.send(path, ALICE, act="close")
    assert neither.status == 422
    assert "Say with whom it was closed" in neither.text
    early = scene.send(path.replace("en/", "th/", 1), ALICE, act="close", not_reached="yes")
    assert early.status == 422
    assert "ยังไม่ครบ 3 วันทำการ" in early.text
    scene.followed(scene.send(path, ALICE, act="close", **{"with": "help desk"}))
    found = ticket(scene, "INC-100")
    assert (found["state"], found["closed_with"], found["agency"]) == ("closed", "help desk", "กรมบัญชีกลาง")
    assert [one["outcome"] for one in found["clocks"]] == ["within", "within"]  # type: ignore[attr-defined]
    said = scene.get("en/changes").text
    assert re.search(r"Resolved INC-100 .* bob user bob", said)


def test_a_request_and_a_complaint_are_recorded_and_one_is_withdrawn_with_a_reason(scene: Scene) -> None:
    path = recorded(scene, what="request low", channel="telephone", id="REQ-100")
    assert "in business hours" in scene.get(path).text
    recorded(scene, what="complaint", channel="web", id="CMP-100")
    assert ticket(scene, "CMP-100")["priority"] is None
    without = scene.send(path, ALICE, act="withdraw")
    assert 'id="reason-wrong"' in without.body
    scene.followed(scene.send(path, ALICE, act="withdraw", reason="asked twice"))
    assert ticket(scene, "REQ-100")["withdrawn"] == "asked twice"
    assert "asked twice" in scene.get(path).text


def test_what_is_wrong_stands_beside_its_field(scene: Scene) -> None:
    empty = scene.send(NEW, ALICE, act="open")
    assert {"what-wrong", "channel-wrong"} <= set(re.findall(r'id="(\w+-wrong)"', empty.body))
    form = {"what": "incident P2", "channel": "email", "recorded": "2090-01-01T00:00", "agency": "a"}
    ahead = scene.send(NEW, ALICE, act="open", **form)
    assert 'id="recorded-wrong"' in ahead.body
    assert "This time has not come yet." in ahead.text
    assert ahead.field("agency") == "a"
    assert '<option value="incident P2" selected>' in ahead.body
    assert (
        "There is no such outage"
        in scene.send(NEW, ALICE, act="open", **(form | {"recorded": "", "outages": "none"})).text
    )
    assert scene.get("en/tickets/none").status == 404
    assert scene.get("en/tickets?month=2026-13").status == 422
    assert scene.get("en/tickets?state=lost").status == 422


def test_what_a_program_sends_is_utf_8_whatever_its_head_says(scene: Scene) -> None:
    def sent(agency: str, charset: str) -> int:
        body = json.dumps({"priority": "low", "agency": agency}, ensure_ascii="\ud800" in agency)
        kind = f"application/json; charset={charset}"
        return scene.ask("POST", "/api/v1/requests", ALICE, body, Content_Type=kind).status

    for charset in ("utf-8", "tis-620", "no-such", "punycode"):
        assert sent("กรมบัญชีกลาง", charset) == 201
    assert sent("half \ud800 of a character", "utf-8") == 400
    half = scene.ask("POST", "/api/v1/incidents", ALICE, '{"priority": "P1", "outages": ["\\ud800"]}')
    assert (half.status, half.headers["Content-Type"].partition(";")[0]) == (400, "application/problem+json")


def test_the_outage_of_the_monitor_is_an_incident_by_itself_that_leads_to_its_evidence(scene: Scene) -> None:
    outage = scene.daemon.ask("outages")["outages"][-1]["id"]
    identity = f"INC-{outage}"

    def proposed() -> bool:
        listed = scene.daemon.ask("tickets")["tickets"]
        return [one["state"] for one in listed if one["id"] == identity] == ["proposed"]

    wait_until(proposed, "the outage's end to be proposed", seconds=30)
    assert identity in scene.get("en/tickets?state=any").text
    own = scene.get(f"en/tickets/{identity}")
    assert f"/outages/{outage}" in own.body
    assert "proposed by the end of the outage" in own.text
    scene.followed(scene.send(f"en/tickets/{identity}", ALICE, act="resolve"))
    assert ticket(scene, identity)["state"] == "resolved"
