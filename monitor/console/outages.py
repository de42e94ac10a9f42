"""Outages: a month's list, and each with its evidence and the form that asks for its exclusion."""

from monitor.console.backend import Backend
from monitor.console.declared import digest, unchanged
from monitor.console.exclusions import CATEGORIES
from monitor.console.forms import Form
from monitor.console.visit import Moved, Outcome, Shown, Visit
from monitor.core.calendar import Month
from monitor.core.instants import parse_instant
from monitor.figures import Document
from monitor.ledger import LedgerError

FIELDS = ("category", "evidence", "id")
MOST = 500


async def outages(backend: Backend, visit: Visit) -> Outcome:
    form = Form(visit, ())
    month, service = _asked(backend, visit, form)
    document = await backend.source.outages_in_turns(str(month), service)
    listed = sorted(document["outages"], key=lambda one: str(one["start"]), reverse=True)
    running = backend.source.snapshot.month
    return Shown(
        "outages.html",
        {
            "form": form,
            "month": str(month),
            "service": service or "",
            "services": backend.source.services(),
            "outages": listed[:MOST],
            "left_out": max(len(listed) - MOST, 0),
            "earlier": str(month.plus(-1)) if month > Month(1970, 1) else None,
            "later": str(month.plus(1)) if month < running else None,
        },
        form.status,
    )


def _asked(backend: Backend, visit: Visit, form: Form) -> tuple[Month, str | None]:
    """The month and the service that are asked for; what cannot be is said, and the usual is shown."""
    month, service = backend.source.snapshot.month, visit.query.get("service") or None
    try:
        month = Month.parse(visit.query["month"]) if visit.query.get("month") else month
    except ValueError as error:
        form.general.append(visit.text("errors.refused", why=str(error)))
    if service is not None and service not in backend.source.services():
        form.general.append(visit.text("missing.service", name=service))
        service = None
    return month, service


async def outage(backend: Backend, visit: Visit) -> Outcome:
    """One outage: looked at, or excluded by what its form sends, once the preview was seen."""
    found = await backend.outage(visit, visit.names["id"])
    form, preview = Form(visit, FIELDS), None
    if visit.form:
        form.require("category", "evidence")
        if form.values["category"] and form.values["category"] not in CATEGORIES:
            form.wrong("category", "required")
        declaring = visit.form.get("act") == "declare" and unchanged(visit, form)
        if form.well:
            request = {**form.given(), "outage": found["id"]}
            preview = await form.sent(backend.act("exclusion.add", visit.person, request, dry=not declaring))
            if preview is not None and declaring:
                return Moved(f"exclusions/{preview['id']}?done=excluded")
    try:
        evidence, unreadable = await backend.evidence(found), None
    except LedgerError as error:
        evidence, unreadable = [], str(error)
    values = {
        "outage": found, "evidence": evidence, "unreadable": unreadable, "categories": CATEGORIES, "form": form,
        "preview": preview, "seen": digest(form), "asked": _asked_for(backend, found),
        "changed": visit.form.get("act") == "declare" and form.well,
    }  # fmt: skip
    return Shown("outage.html", values, form.status)


def _asked_for(backend: Backend, found: Document) -> list[Document]:
    """The exclusions that reach into this outage's service and time."""
    zone, targets = backend.zone, set(found["targets"])
    start = parse_instant(found["start"], zone)
    end = parse_instant(found["end"], zone) if found["end"] else 2**62
    return [
        one
        for one in backend.source.declarations()["exclusions"]
        if parse_instant(one["start"], zone) < end
        and start < parse_instant(one["end"], zone)
        and (not one["scope"] or found["service"] in one["scope"] or targets & set(one["scope"]))
    ]
