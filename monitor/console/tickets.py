"""Incidents, service requests and complaints: recorded, answered, resolved, closed, and the time left on each clock."""

from monitor.console.backend import Backend
from monitor.console.forms import Form
from monitor.console.visit import MissingError, Moved, Outcome, Shown, Visit
from monitor.core.calendar import Month
from monitor.core.tickets import CHANNELS, PRIORITIES, TICKET_KINDS
from monitor.figures import Document
from monitor.incidents.asked import STATES, Asked
from monitor.incidents.desk import PREFIX

NEW = ("what", "channel", "recorded", "agency", "outages", "id")
STEPS = ("at", "reason", "with", "not_reached")
WHATS = {f"{kind} {one}".strip(): (kind, one) for kind in TICKET_KINDS for one in PRIORITIES[kind] or ("",)}
"""What may be recorded: a kind with its priority, in one list to choose from."""
VERBS = ("respond", "resolve", "close", "reopen", "withdraw")


async def tickets(backend: Backend, visit: Visit) -> Outcome:
    """Those that are open or of the running month, or those of another month; what is most urgent first."""
    form = Form(visit, ())
    month, kind = visit.query.get("month") or None, visit.query.get("kind") or None
    state = visit.query.get("state") or ("open" if month is None else "any")
    try:
        document = await backend.source.tickets_in_turns(Asked(month, kind, state))
    except ValueError as error:
        form.general.append(visit.text("errors.refused", why=str(error)))
        month, kind, state = None, None, "open"
        document = await backend.source.tickets_in_turns(Asked(state=state))
    figures = backend.source.ticket_figures(Month.parse(document["month"]))
    values = {
        "form": form, "tickets": sorted(document["tickets"], key=_urgency), "asked_month": month or "",
        "kind": kind or "", "state": state, "kinds": TICKET_KINDS, "states": STATES, "figures": figures,
    }  # fmt: skip
    return Shown("tickets.html", values, form.status)


def _urgency(ticket: Document) -> tuple[float, str]:
    """The most used of its running clocks, backwards."""
    return -max((one["used"] for one in ticket["clocks"] if one["used"] is not None), default=-1.0), ticket["recorded"]


async def record(backend: Backend, visit: Visit) -> Outcome:
    """A new one: its clocks begin."""
    form = Form(visit, NEW)
    if visit.form.get("act") == "open":
        form.require("what", "channel")
        if form.values["what"] and form.values["what"] not in WHATS:
            form.wrong("what", "required")
        form.past("recorded", backend.now)
        if form.well:
            done = await form.sent(backend.act(f"{PREFIX}open", visit.person, _request(form)))
            if done is not None:
                return Moved(f"tickets/{done['id']}?done=recorded")
    channels = [one for one in CHANNELS if one != "monitor"]
    return Shown("record.html", {"form": form, "whats": list(WHATS), "channels": channels}, form.status)


def _request(form: Form) -> Document:
    kind, priority = WHATS[form.values["what"]]
    outages = [one.strip() for one in form.values["outages"].split(",") if one.strip()]
    given = {name: value for name, value in form.given().items() if name not in {"what", "outages"}}
    found = {"kind": kind, "source": "web", **given}
    return found | ({"priority": priority} if priority else {}) | ({"outages": outages} if outages else {})


async def ticket(backend: Backend, visit: Visit) -> Outcome:
    """One of them: looked at, or a step recorded by what its forms send."""
    found = await _found(backend, visit)
    form, act = Form(visit, STEPS), visit.form.get("act", "")
    if act:
        done = await _stepped(backend, visit, form, act, found)
        if done is not None:
            return Moved(f"tickets/{found['id']}?done={act}")
    return Shown("ticket.html", {"ticket": found, "form": form, "act": act}, form.status)


async def _stepped(backend: Backend, visit: Visit, form: Form, act: str, found: Document) -> Document | None:
    if act not in VERBS:
        form.general.append(visit.text("errors.no_such_act"))
        return None
    form.past("at", backend.now, after=found["recorded"])
    if act in {"reopen", "withdraw"}:
        form.require("reason")
    if act == "close" and bool(form.values["with"]) == bool(form.values["not_reached"]):
        form.wrong("with", "with_whom")
    if not form.well:
        return None
    given = form.given() | ({"not_reached": True} if form.values["not_reached"] else {})
    return await form.sent(backend.act(f"{PREFIX}{act}", visit.person, {**given, "id": found["id"], "source": "web"}))


async def _found(backend: Backend, visit: Visit) -> Document:
    identity = visit.names["id"]
    for one in (await backend.source.tickets_in_turns(Asked(id=identity)))["tickets"]:
        return dict(one)
    raise MissingError(visit.text("missing.ticket", id=identity))
