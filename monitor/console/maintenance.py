"""Maintenance: declared with a preview of what it would excuse, shortened, cancelled, approved."""

from monitor.console.backend import Backend
from monitor.console.declared import approval_of, approve, digest, mark, newest, standing, unchanged
from monitor.console.forms import Form
from monitor.console.overview import needs_approval
from monitor.console.visit import Moved, Outcome, Shown, Visit
from monitor.figures import Document

FIELDS = ("id", "scope", "start", "end", "rrule", "duration", "reason")


async def windows(backend: Backend, visit: Visit) -> Outcome:
    """Newest first."""
    listed: list[Document] = backend.source.declarations()["maintenance"]
    shown, older = newest(listed, visit.query.get("before", ""))
    return Shown("windows.html", {"windows": shown, "older": older})


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


async def window(backend: Backend, visit: Visit) -> Outcome:
    """One window: looked at, or shortened, cancelled, approved by what its forms send."""
    found = standing(visit, backend.source.declarations()["maintenance"], "cancelled", "missing.window")
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
