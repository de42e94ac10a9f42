"""Exclusions: asked for on an outage's page, approved by somebody else, withdrawn."""

from monitor.console.backend import Backend
from monitor.console.declared import approval_of, approve, mark, newest, standing
from monitor.console.forms import Form
from monitor.console.visit import Moved, Outcome, Shown, Visit
from monitor.figures import Document

CATEGORIES = ("force_majeure", "business_continuity", "customer", "suspension")


async def exclusions(backend: Backend, visit: Visit) -> Outcome:
    """Newest first."""
    listed: list[Document] = backend.source.declarations()["exclusions"]
    shown, older = newest(listed, visit.query.get("before", ""))
    return Shown("exclusions.html", {"exclusions": shown, "older": older})


async def exclusion(backend: Backend, visit: Visit) -> Outcome:
    """One exclusion: looked at, or approved or withdrawn by what its forms send."""
    found = standing(visit, backend.source.declarations()["exclusions"], "withdrawn", "missing.exclusion")
    form = Form(visit, ("sure",))
    act = visit.form.get("act", "")
    if act:
        done = await _changed(backend, visit, form, act, found)
        if done is not None:
            return Moved(f"exclusions/{found['id']}?done={act}")
    preview = None if found["withdrawn"] else await approval_of(backend, visit, found)
    values = {"exclusion": found, "form": form, "preview": preview, "seen": mark(found)}
    return Shown("exclusion.html", values, form.status)


async def _changed(backend: Backend, visit: Visit, form: Form, act: str, found: Document) -> Document | None:
    if act == "approve":
        return await approve(backend, visit, form, found)
    if act == "withdraw":
        if not form.values["sure"]:
            form.wrong("sure", "not_sure")
            return None
        return await form.sent(backend.act("exclusion.withdraw", visit.person, {"id": found["id"]}))
    form.general.append(visit.text("errors.no_such_act"))
    return None
