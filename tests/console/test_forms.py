"""What the console does with what it is sent: by whom, from where, and what is wrong with it."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor import texts
from monitor.console.wording import Wording
from monitor.core.declarations import KINDS
from monitor.ledger import Reader
from tests.console.scene import ALICE, BOB, Answer, Scene
from tests.core.worked import ZONE
from tests.lab.configuration import free_port
from tests.lab.daemon import Daemon
from tests.web.place import Place
from tests.web.test_web_configuration import curl

NEW = "en/maintenance/new"
AHEAD = {"start": "2090-05-01T01:00", "end": "2090-05-01T03:00"}


def recorded(scene: Scene) -> int:
    with Reader.beside(scene.daemon.configuration.with_name("ledger.db")) as reader:
        return len(list(reader.facts(KINDS)))


def local(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).astimezone(ZONE).strftime("%Y-%m-%dT%H:%M:%S")


def texts_of(seconds: float) -> str:
    """As the console writes downtime."""
    return Wording("en", ZONE).length(seconds).replace("\N{NO-BREAK SPACE}", " ")


def outage(scene: Scene) -> str:
    return str(scene.daemon.ask("outages")["outages"][-1]["id"])


def test_without_users_the_console_says_in_one_line_how_to_switch_it_on(tmp_path: Path) -> None:
    port = free_port()
    with Daemon(Place(tmp_path).configuration(port, web=False), port) as daemon:
        for path in ("/console", "/console/", "/console/th/", "/console/en/maintenance/new"):
            status, body = daemon.get(path)
            assert (status, body.count("\n")) == (403, 1)
            assert "basic_auth_users" in body
        sent = curl(f"{daemon.url}/console/en/maintenance/new", "-d", "act=declare")
        assert sent.code == 403


def test_who_is_not_known_gets_nothing(scene: Scene) -> None:
    answer = scene.get("en/", None)
    assert (answer.status, answer.body) == (401, "user and password are asked for\n")
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


def test_the_first_page_is_in_the_readers_language(scene: Scene) -> None:
    for accept, language in (("en-GB,en", "en"), ("th", "th"), ("", "th")):
        answer = scene.ask("GET", "/console/", ALICE, Accept_Language=accept)
        assert (answer.status, answer.headers["Location"]) == (302, f"{language}/")


def test_every_page_may_not_be_kept_framed_or_scripted(scene: Scene) -> None:
    for path in ("en/", "th/changes", "en/maintenance/none", NEW):
        headers = scene.get(path).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "same-origin"
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "script-src" not in policy


def test_a_window_is_declared_once_its_preview_was_seen_and_the_browser_is_sent_on(scene: Scene) -> None:
    before = recorded(scene)
    form = {**AHEAD, "reason": "storage", "scope": "mail", "id": "CHG-100"}
    preview = scene.send(NEW, ALICE, act="preview", **form)
    assert (preview.status, recorded(scene)) == (200, before)
    assert "It lies ahead" in preview.text
    declared = scene.send(NEW, ALICE, preview, act="declare", **form)
    assert recorded(scene) == before + 1
    page = scene.followed(declared)
    assert "Declared, and recorded." in page.text
    [window] = [one for one in scene.daemon.ask("declarations")["maintenance"] if one["id"] == "CHG-100"]
    assert (window["by"], window["scope"], window["reason"]) == ("alice", ["mail"], "storage")
    assert window["start"] == "2090-05-01T01:00:00+07:00"


def test_what_was_changed_after_the_preview_is_previewed_anew_and_not_declared(scene: Scene) -> None:
    before = recorded(scene)
    form = {**AHEAD, "reason": "network"}
    preview = scene.send(NEW, ALICE, act="preview", **form)
    changed = scene.send(NEW, ALICE, preview, act="declare", **(form | {"end": "2090-05-01T09:00"}))
    assert (changed.status, recorded(scene)) == (200, before)
    assert "Something was changed since the preview" in changed.text
    assert changed.field("end") == "2090-05-01T09:00"


def test_what_is_sent_twice_is_declared_once(scene: Scene) -> None:
    form = {**AHEAD, "reason": "twice", "id": "CHG-101"}
    preview = scene.send(NEW, ALICE, act="preview", **form)
    first, second = (scene.send(NEW, ALICE, preview, act="declare", **form) for _ in range(2))
    assert (first.status, second.status) == (303, 422)
    assert "declared already" in second.text


@pytest.mark.parametrize(
    ("form", "field", "said"),
    [
        ({}, "reason", "Please fill this in."),
        ({}, "start", "Please fill this in."),
        ({"start": "2090-05-01T01:00"}, "end", "Please fill this in."),
        ({"start": "noon", "end": "2090-05-01T01:00"}, "start", "This is no time that there is"),
        ({"start": "2090-05-01T01:00", "end": "2090-05-01T01:00"}, "end", "after the start"),
        (AHEAD | {"scope": "mali"}, "scope", "is “mail” meant?"),
        (
            AHEAD | {"reason": "x", "rrule": "sometimes", "duration": "1h", "end": ""},
            "rrule",
            "Refused: not a recurrence rule",
        ),
        (AHEAD | {"reason": "x", "rrule": "FREQ=DAILY", "duration": "soon", "end": ""}, "duration", "Refused"),
        (AHEAD | {"reason": "x", "id": "x" * 500}, "id", "Refused"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(
    scene: Scene, form: dict[str, str], field: str, said: str
) -> None:
    before = recorded(scene)
    answer = scene.send(NEW, ALICE, act="preview", **form)
    assert (answer.status, recorded(scene)) == (422, before)
    wrong = re.search(rf'id="{field}-wrong">(.*?)</p>', answer.body)
    assert wrong is not None
    assert said in Answer(0, None, wrong[1]).text
    assert re.search(rf'aria-describedby="[^"]*{field}-wrong"', answer.body)
    for name, value in form.items():
        assert answer.field(name) == value


def test_a_window_is_shortened_and_cancelled_but_never_by_an_unsure_click(scene: Scene) -> None:
    path = scene.done(NEW, ALICE, **AHEAD, reason="short", id="CHG-102").partition("?")[0].lstrip("./")
    assert "already" in scene.send(path, BOB, act="shorten", end="2090-05-01T04:00").text
    shortened = scene.followed(scene.send(path, BOB, act="shorten", end="2090-05-01T02:00"))
    assert "Shortened, and recorded." in shortened.text
    before = recorded(scene)
    unsure = scene.send(path, BOB, act="cancel")
    assert (unsure.status, recorded(scene)) == (422, before)
    assert "Tick this first" in unsure.text
    assert scene.send(path, BOB, act="explode").status == 422
    assert "cancelled" in scene.followed(scene.send(path, BOB, act="cancel", sure="yes")).text


def test_maintenance_after_the_fact_excuses_what_its_preview_says_once_somebody_else_approves(scene: Scene) -> None:
    form = {"start": local(-1), "end": local(1), "reason": "after the fact", "id": "CHG-103"}
    preview = scene.send(NEW, ALICE, act="preview", **form)
    counted = scene.figures()["downtime_seconds"]
    assert counted > 0
    assert "excuse nothing until somebody else approves them" in preview.text
    assert texts_of(counted) in preview.text
    path = scene.send(NEW, ALICE, preview, act="declare", **form).headers["Location"].partition("?")[0].lstrip("./")
    assert scene.figures()["downtime_seconds"] == counted
    assert "CHG-103" in scene.get("en/").text.partition("Waiting for a second person")[2]
    own = scene.get(path)
    assert "somebody else must approve it" in own.text
    refused = scene.send(path, ALICE, own, act="approve")
    assert (refused.status, scene.figures()["downtime_seconds"]) == (422, counted)
    assert "You cannot approve what you have declared yourself" in refused.text
    assert "Approved, and recorded." in scene.followed(scene.send(path, BOB, act="approve"), BOB).text
    assert scene.figures()["downtime_seconds"] == 0
    scene.followed(scene.send(path, BOB, act="cancel", sure="yes"))


def test_what_was_declared_anew_under_the_same_id_is_not_approved_unseen(scene: Scene) -> None:
    past = scene.daemon.ask("outages", month=scene.month)["outages"][0]
    outage_page = f"en/outages/{past['id']}"
    form = {"category": "customer", "id": "EXC-200"}
    path = scene.done(outage_page, ALICE, **form, evidence="letter 8").partition("?")[0].lstrip("./")
    looked_at = scene.get(path, BOB)
    scene.followed(scene.send(path, ALICE, act="withdraw", sure="yes"))
    scene.done(outage_page, ALICE, **form, evidence="another letter")
    before = recorded(scene)
    refused = scene.send(path, BOB, looked_at, act="approve")
    assert (refused.status, recorded(scene)) == (422, before)
    assert "changed since you looked at it" in refused.text
    assert "another letter" in refused.text
    scene.followed(scene.send(path, BOB, refused, act="approve"), BOB)
    scene.followed(scene.send(path, ALICE, act="withdraw", sure="yes"))


def test_an_outage_is_excluded_by_one_and_approved_by_another_and_withdrawn(scene: Scene) -> None:
    """In a month that is closed: each step makes a new revision."""
    past = scene.daemon.ask("outages", month=scene.month)["outages"][0]

    def downtime() -> float:
        return float(scene.daemon.ask("sla", month=scene.month)["services"][0]["downtime_seconds"])

    counted = downtime()
    form = {"category": "customer", "evidence": "letter 7", "id": "EXC-100"}
    preview = scene.send(f"en/outages/{past['id']}", ALICE, act="preview", **form)
    assert f"mail {Wording('en', ZONE).month(scene.month)} {texts_of(past['seconds'])}" in preview.text
    path = scene.done(f"th/outages/{past['id']}", ALICE, **form).partition("?")[0].lstrip("./")
    assert downtime() == counted
    refused = scene.send(path, ALICE, token=scene.get(NEW).field("token"), act="approve")
    assert (refused.status, downtime()) == (422, counted)
    assert "ผู้แจ้งอนุมัติเองไม่ได้" in refused.text
    approved = scene.followed(scene.send(path, BOB, act="approve"), BOB)
    assert "อนุมัติและบันทึกแล้ว" in approved.text
    assert downtime() == counted - past["seconds"]
    assert "EXC-100" in scene.get(f"en/outages/{past['id']}").text
    scene.followed(scene.send(path, ALICE, act="withdraw", sure="yes"))
    assert downtime() == counted
    said = scene.get("en/changes").text
    assert re.search(r"Exclusion withdrawn EXC-100 alice user alice", said)
    assert re.search(r"Approved EXC-100 bob user bob", said)
    assert "letter 7" in said


def test_a_form_without_our_token_or_with_another_persons_changes_nothing_and_loses_nothing(scene: Scene) -> None:
    before = recorded(scene)
    form = {**AHEAD, "reason": "forged", "act": "declare"}
    theirs = scene.get(NEW, BOB).field("token")
    for token in ("", "1.2", theirs, f"{theirs}0", "ก.ข"):
        answer = scene.post(NEW, ALICE, {**form, "token": token})
        assert (answer.status, recorded(scene)) == (403, before)
        assert "Nothing was done" in answer.text
        assert answer.field("reason") == "forged"
    own = scene.get(NEW).field("token")
    for headers in ({"Origin": "https://evil.example"}, {"Sec_Fetch_Site": "cross-site"}, {"Origin": "null"}):
        assert scene.post(NEW, ALICE, {**form, "token": own}, **headers).status == 403
    assert recorded(scene) == before


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"reason=\xff", "application/x-www-form-urlencoded", 400),
        (b"&".join(b"a%d=1" % number for number in range(100)), "application/x-www-form-urlencoded", 400),
        (b"{}", "application/json", 415),
        (b"reason=x", "multipart/form-data; boundary=x", 415),
        (b"x" * 70_000, "application/x-www-form-urlencoded", 413),
    ],
)
def test_what_is_no_form_is_refused_in_one_line(scene: Scene, body: bytes, kind: str, status: int) -> None:
    answer = scene.ask("POST", f"/console/{NEW}", ALICE, body.decode("latin-1"), Content_Type=kind)
    if body == b"reason=\xff":
        body = b""  # it goes as two bytes of UTF-8: sent below as it is
        answer = raw(scene, b"reason=\xff")
    assert (answer.status, answer.body.count("\n")) == (status, 1)


def raw(scene: Scene, body: bytes) -> Answer:
    import base64  # noqa: PLC0415
    import http.client  # noqa: PLC0415

    connection = http.client.HTTPConnection(scene.daemon.url.removeprefix("http://"), timeout=20)
    given = base64.b64encode(":".join(ALICE).encode()).decode()
    kind = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": f"Basic {given}"}
    try:
        connection.request("POST", f"/console/{NEW}", body, kind)
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read().decode())
    finally:
        connection.close()


def test_what_people_type_is_shown_and_never_run(scene: Scene) -> None:
    evil = "<script>alert(1)</script>\"'&{{7*7}}"
    preview = scene.send(NEW, ALICE, act="preview", **AHEAD, reason=evil, id="<b>")
    assert "<script>" not in preview.body
    assert "<b>" not in preview.body.partition("<main")[2]
    assert preview.field("reason") == evil
    path = scene.done(NEW, ALICE, **AHEAD, reason=evil, id="CHG-104").lstrip("./")
    for page in (scene.get(path), scene.get("en/maintenance"), scene.get("th/"), scene.get("en/changes")):
        assert "<script>" not in page.body
        assert evil in page.text
    assert "<i>" not in scene.get(f"en/?done={'%3Ci%3E'}").body


def test_what_there_is_not_is_told_with_where_the_rest_is(scene: Scene) -> None:
    for path in ("en/maintenance/none", "en/exclusions/none", "en/outages/none", "th/outages/mail-20200101T000000Z"):
        answer = scene.get(path)
        assert answer.status == 404
        assert answer.headers.get_content_type() == "text/html"
    assert scene.get("de/").status == 404
    asked = scene.get("en/outages?month=2026-13&service=lba")
    assert asked.status == 422
    assert "2026-13" in asked.text
    assert "“lba”" in asked.text


def test_an_outages_page_shows_the_ladder_and_what_was_said_and_the_month_lists_all(scene: Scene) -> None:
    page = scene.get(f"en/outages/{outage(scene)}")
    assert "Last good check before" in page.text
    assert "greeting" in page.text
    assert "the server closed the connection" in page.text
    assert scene.get(f"en/outages?month={scene.month}&service=mail").body.count("/outages/mail-") == 5


def test_the_list_of_changes_goes_back_to_the_first_page_by_page(scene: Scene) -> None:
    found, path = [], "en/changes"
    for _ in range(20):
        page = scene.get(path)
        found += [int(one) for one in re.findall(r'<th scope="row" class="number">(\d+)</th>', page.body)]
        older = re.search(r"changes\?before=(\d+)", page.body)
        if older is None:
            break
        path = f"en/changes?before={older[1]}"
    with Reader.beside(scene.daemon.configuration.with_name("ledger.db")) as reader:
        expected = [link.seq for link in reader.facts((*KINDS, "closing"))]
        oldest = next(reader.facts(("rules",)))
    assert oldest.digest.hex()[:12] in page.text
    assert [one for one in found if one in expected] == expected[::-1]


def test_every_refusal_of_the_desk_has_its_words() -> None:
    source = Path(texts.__file__).parents[1]
    codes = {
        code
        for file in (source / "desk.py", source / "incidents" / "desk.py")
        for code in re.findall(r'RefusedActError\([^()]*(?:\([^()]*\)[^()]*)*, "(\w+)"\)', file.read_text("utf-8"))
    }
    assert len(codes) > 5
    assert {code for code in codes if f"console.refused.{code}" not in texts.of("th")} == set()
