"""Roundcube as its own page uses it: the inbox and its list of messages behind the log-in."""

import json
import re

from probes.base import Login, Steps
from probes.errors import Cause, ProbeFailureError
from probes.forms import ROUNDCUBE, Form, accepted, find_form
from probes.session import farewell
from probes.visit import Page, Visit

# How Roundcube says in English and in Thai that its IMAP server or database, not the credential, is at fault
_STORAGE = ("storage server", "imap server", "database", "ฐานข้อมูล")
FIELDS = {ROUNDCUBE.fields.username, ROUNDCUBE.fields.password, "_token"}


async def open_page(steps: Steps, visit: Visit) -> tuple[Page, Form]:
    """The phase page."""
    with steps("page"):
        page = await visit.get(visit.home)
        steps.reply(f"HTTP {page.status}")
        found = find_form(accepted(page).body, FIELDS)
        if found is None:
            raise ProbeFailureError(Cause.CONTENT, "a page without Roundcube's log-in form")
        return page, found


async def read_mail(steps: Steps, visit: Visit, page: Page, form: Form, login: Login) -> None:
    """The phases login, inbox and logout."""
    with steps("login"):
        credential = {"_user": login.username, "_pass": login.password.reveal()}
        target = visit.within(page.url, form.action or str(page.url))
        answer = await visit.post(target, form.fields | credential)
        steps.reply(f"HTTP {answer.status}")
        _demand_login(answer)
    with steps("inbox"):
        inbox = accepted(await visit.get(visit.within(answer.url, answer.location)))
        token = _request_token(inbox)
        listing = inbox.url.with_query(_task="mail", _action="list", _mbox="INBOX", _remote="1")
        _demand_list(accepted(await visit.get(listing, {"X-Roundcube-Request": token})))
    async with farewell(steps, "logout"):
        await visit.get(inbox.url.with_query(_task="logout", _token=token))


def _demand_login(answer: Page) -> None:
    """Roundcube redirects to the inbox, or shows its log-in form again, with 200 or 401, and says why."""
    if answer.location:
        return
    if answer.status not in {200, 401} or not find_form(answer.body, FIELDS):
        accepted(answer)
        raise ProbeFailureError(Cause.CONTENT, "neither an inbox nor a log-in form after the log-in")
    message = _message(answer.body)
    if any(word in message.lower() for word in _STORAGE):
        raise ProbeFailureError(Cause.REJECTED_TEMPORARY, message)
    raise ProbeFailureError(Cause.AUTH, message or "the log-in form again")


def _message(body: str) -> str:
    """What Roundcube's page shows in a bubble."""
    found = re.search(r'display_message\(("(?:[^"\\]|\\.){0,500}")', body)
    try:
        return str(json.loads(found.group(1))) if found else ""
    except ValueError:
        return ""


def _request_token(inbox: Page) -> str:
    task = re.search(r'"task":\s*"mail"', inbox.body)
    token = re.search(r'"request_token":\s*"([0-9A-Za-z]{1,200})"', inbox.body)
    if not task or not token:
        raise ProbeFailureError(Cause.CONTENT, _message(inbox.body) or "a page that is not Roundcube's inbox")
    return token.group(1)


def _demand_list(answer: Page) -> None:
    """The list of messages comes by a request of its own, and with it what the IMAP server has to say."""
    try:
        listed = json.loads(answer.body)
        if listed["action"] != "list":
            raise ProbeFailureError(Cause.CONTENT, "not a list of messages")
        commands = str(listed.get("exec", ""))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise ProbeFailureError(Cause.CONTENT, "not a list of messages") from None
    if '"error"' in commands and (message := _message(commands)):
        raise ProbeFailureError(Cause.CONTENT, message)
