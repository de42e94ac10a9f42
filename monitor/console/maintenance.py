"""Maintenance: declared with a preview of what it would excuse, shortened, cancelled, approved."""

import hashlib
import hmac
import json
from collections.abc import Mapping

from monitor.console.backend import Backend
from monitor.console.forms import Form
from monitor.console.overview import needs_approval
from monitor.console.visit import MissingError, Moved, Outcome, Shown, Visit
from monitor.figures import Document

FIELDS = ("id", "scope", "start", "end", "rrule", "duration", "reason")
PAGE = 100


async def windows(backend: Backend, visit: Visit) -> Outcome:
    """Newest first."""
    listed: list[Document] = backend.source.declarations()["maintenance"]
    shown, older = newest(listed, visit.query.get("before", ""))
    return Shown("windows.html", {"windows": shown, "older": older})


def newest(listed: list[Document], before: str) -> tuple[list[Document], int | None]:
    """A page backwards from a place in the list, and the place of the next one."""
    end = min(int(before), len(listed)) if before.isascii() and before.isdigit() else len(listed)
    start = max(end - PAGE, 0)
    return listed[start:end][::-1], start or None


async def declare(backend: Backend, visit: Visit) -> Outcome:
    """A form; then the preview; then, where nothing was changed since, the declaration."""
    form, preview = Form(visit, FIELDS), None
    if visit.form:
        request = _request(backend, form)
        declaring = visit.form.get("act") == "declare" and unchanged(visit, form)
        if form.well:
            preview = await form.sent(backend.act("maintenance.add", visit.person, request, dry=not declaring))
            if preview is not None and declaring:
                return Moved(f"maintenance/{preview['id']}?done=declared")
    return Shown(
        "declare.html",
        {"form": form, "preview": preview, "seen": digest(form), "scopes": backend.source.services()[:1000],
         "changed": visit.form.get("act") == "declare" and form.well},
        form.status,
    )  # fmt: skip


def _request(backend: Backend, form: Form) -> Document:
    form.require("start", "reason")
    start, end = form.time("start"), form.time("end")
    if not form.values["rrule"]:
        form.require("end")
    if start is not None and end is not None and end <= start:
        form.wrong("end", "not_after_start")
    scope = form.names("scope", backend.scopes())
    return {**form.given(), **({"scope": scope} if scope else {})}


def digest(form: Form) -> str:
    """Of what was filled in: what is declared is what the preview was of."""
    return _digest(form.values)


def unchanged(visit: Visit, form: Form) -> bool:
    return _seen(visit, digest(form))


def mark(found: Document) -> str:
    """Of what is declared, as who approves it has seen it; where it recurs, time alone moves its next occurrence."""
    times = () if found.get("rrule") else ("start", "end")
    said = ("id", "scope", "rrule", "reason", "category", "evidence", "by", "declared", *times)
    return _digest({key: found.get(key) for key in said})


async def approve(backend: Backend, visit: Visit, form: Form, found: Document) -> Document | None:
    """What was withdrawn meanwhile and declared anew under the same id is not what was looked at."""
    if not visit.person.is_named(found["by"]) and not _seen(visit, mark(found)):
        form.general.append(visit.text("approve.changed"))
        return None
    return await form.sent(backend.act("approve", visit.person, {"id": found["id"]}))


def _digest(values: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _seen(visit: Visit, expected: str) -> bool:
    return hmac.compare_digest(visit.form.get("seen", "").encode(), expected.encode())


async def window(backend: Backend, visit: Visit) -> Outcome:
    """One window: looked at, or shortened, cancelled, approved by what its forms send."""
    found = _found(backend, visit)
    form = Form(visit, ("end", "sure"))
    act = visit.form.get("act", "")
    if act:
        done = await _changed(backend, visit, form, act, found)
        if done is not None:
            return Moved(f"maintenance/{found['id']}?done={act}")
    preview = await approval_of(backend, visit, found) if needs_approval(found) and not found["cancelled"] else None
    values = {"window": found, "form": form, "preview": preview, "seen": mark(found)}
    return Shown("window.html", values, form.status)


async def _changed(backend: Backend, visit: Visit, form: Form, act: str, found: Document) -> Document | None:
    identity = found["id"]
    if act == "shorten":
        form.require("end")
        form.time("end")
        request = {"id": identity, "end": form.values["end"]}
        return await form.sent(backend.act("maintenance.shorten", visit.person, request)) if form.well else None
    if act == "cancel":
        if not form.values["sure"]:
            form.wrong("sure", "not_sure")
            return None
        return await form.sent(backend.act("maintenance.cancel", visit.person, {"id": identity}))
    if act == "approve":
        return await approve(backend, visit, form, found)
    form.general.append(visit.text("errors.no_such_act"))
    return None


async def approval_of(backend: Backend, visit: Visit, found: Document) -> Document | None:
    """What this person's approval would come to; None where it is not to be had."""
    if found["approved_by"] is not None or visit.person.is_named(found["by"]):
        return None
    return await Form(visit, ()).sent(backend.act("approve", visit.person, {"id": found["id"]}, dry=True))


def _found(backend: Backend, visit: Visit) -> Document:
    """The newest of the id, one that is not cancelled before one that is."""
    identity = visit.names["id"]
    listed = [one for one in backend.source.declarations()["maintenance"] if one["id"] == identity]
    if not listed:
        raise MissingError(visit.text("missing.window", id=identity))
    standing = [one for one in listed if not one["cancelled"]]
    return dict((standing or listed)[-1])
