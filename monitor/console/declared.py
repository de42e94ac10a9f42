"""What windows and exclusions have in common: pages of them, the one of an id, and that only what was seen is done."""

import hashlib
import hmac
import json
from collections.abc import Mapping

from monitor.console.backend import Backend
from monitor.console.forms import Form
from monitor.console.visit import MissingError, Visit
from monitor.figures import Document

PAGE = 100


def newest(listed: list[Document], before: str) -> tuple[list[Document], int | None]:
    """A page backwards from a place in the list, and the place of the next one."""
    end = min(int(before), len(listed)) if before.isascii() and before.isdigit() else len(listed)
    start = max(end - PAGE, 0)
    return listed[start:end][::-1], start or None


def standing(visit: Visit, declared: list[Document], over: str, missing: str) -> Document:
    """The newest of the id, one that is not `over` before one that is. Raises MissingError with the text `missing`."""
    identity = visit.names["id"]
    listed = [one for one in declared if one["id"] == identity]
    if not listed:
        raise MissingError(visit.text(missing, id=identity))
    return dict(([one for one in listed if not one[over]] or listed)[-1])


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


async def approval_of(backend: Backend, visit: Visit, found: Document) -> Document | None:
    """What this person's approval would come to; None where it is not to be had."""
    if found["approved_by"] is not None or visit.person.is_named(found["by"]):
        return None
    return await Form(visit, ()).sent(backend.act("approve", visit.person, {"id": found["id"]}, dry=True))


def _digest(values: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _seen(visit: Visit, expected: str) -> bool:
    return hmac.compare_digest(visit.form.get("seen", "").encode(), expected.encode())
