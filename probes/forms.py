"""A log-in page by its description: which fields it has, and by which marks success and failure are known."""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator
from yarl import URL

from probes.base import Login, Options, Steps
from probes.errors import Cause, ProbeFailureError
from probes.visit import Page, Visit

MAX_TAGS = 500  # forms and fields of a page that are looked at
MAX_ATTRIBUTES = 50  # of a tag
_TAG = re.compile(r"<(form|input)\b([^<>]{0,2000}+)>", re.IGNORECASE)
# Whatever was tried is consumed: no character is looked at again from the next one on
_ATTRIBUTE = re.compile(r"""([^\s"'=/]++)(?:\s*+=\s*+("[^"]*+"|'[^']*+'|[^\s"']++))?""")


class Fields(Options):
    """Names of the fields that take the credential."""

    username: str = Field(min_length=1, description="Name of the field for the user name.", examples=["_user"])
    password: str = Field(min_length=1, description="Name of the field for the password.", examples=["_pass"])


class Marker(Options):
    """What tells a page after the log-in from others, as `failure` and `unavailable` do; all given keys must hold."""

    text: str | None = Field(
        default=None,
        max_length=200,
        description="Regular expression to be found in the page.",
        examples=['"Wrong password"'],
    )
    url: str | None = Field(
        default=None,
        max_length=200,
        description="Regular expression to be found in the page's address, after all redirects.",
        examples=["/inbox"],
    )
    cookie: str | None = Field(
        default=None, min_length=1, description="Name of a cookie that has been set.", examples=["sessionid"]
    )
    status: int | None = Field(default=None, ge=100, le=599, description="Status of HTTP.", examples=[403])

    @field_validator("text", "url")
    @classmethod
    def _compiling(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"not a regular expression: {error}") from None
        if pattern is not None and re.search(pattern, ""):
            raise ValueError("a regular expression that every page has")
        return pattern

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set or all(value is None for _, value in self):
            raise ValueError("a marker needs a text, url, cookie or status")
        return self

    def holds(self, seen: "Seen") -> bool:
        return (
            (self.text is None or bool(re.search(self.text, seen.text)))
            and (self.url is None or bool(re.search(self.url, seen.url)))
            and (self.cookie is None or seen.cookie(self.cookie))
            and (self.status is None or seen.status == self.status)
        )


class FormOptions(Options):
    """How a webmail logs in."""

    page: str | None = Field(
        default=None,
        description="Where the log-in page is, from `url` on; by default `url` itself.",
        examples=["login"],
    )
    fields: Fields = Field(
        description="Names of the fields that take the credential.",
        examples=[{"username": "_user", "password": "_pass"}],
    )
    extra: dict[str, str] = Field(
        default={}, description="Further fields and what to put into them.", examples=[{"remember": "0"}]
    )
    hidden: Literal["keep", "drop"] = Field(
        default="keep",
        description="Whether the form's other fields, such as a token against forgery, are sent back as they came.",
        examples=["keep"],
    )
    encoding: Literal["form", "json"] = Field(
        default="form",
        description="`json`: the fields are sent as a JSON object, and the page needs to show no form.",
        examples=["json"],
    )
    submit: str | None = Field(
        default=None,
        description="Where the fields are sent, from the page on; by default where the form says.",
        examples=["login.php"],
    )
    success: Marker = Field(description="How a log-in that worked is known.", examples=[{"url": "/inbox"}])
    failure: Marker | None = Field(
        default=None,
        description="How a refused credential is known; without it one counts as a page without the expected content.",
        examples=[{"text": '"Wrong password"'}],
    )
    unavailable: Marker | None = Field(
        default=None,
        description="How a webmail is known whose mail server or database does not answer.",
        examples=[{"text": '"(?i)try again later"'}],
    )
    logout: str | None = Field(
        default=None, description="Where to log out, from the page after the log-in on.", examples=["logout"]
    )

    @model_validator(mode="after")
    def _agreeing(self) -> Self:
        if self.encoding == "json" and not self.submit:
            raise ValueError("encoding: json needs submit, where to send it")
        return self


ROUNDCUBE = FormOptions(
    fields=Fields(username="_user", password="_pass"),  # noqa: S106 - the name of a field
    success=Marker(text=r'"task":\s*"mail"'),
    # As its script says it, since the same words may stand in the subject of a message
    failure=Marker(text=r'display_message\("Login failed'),
    unavailable=Marker(text=r'(?i)display_message\("[^"]{0,200}(storage server|imap server|database)'),
)
"""Roundcube's page, its first language being English as the probe asks."""

SOGO = FormOptions(
    fields=Fields(username="userName", password="password"),  # noqa: S106 - the name of a field
    extra={"rememberLogin": "0"},
    encoding="json",
    submit="/SOGo/connect",
    # Without the cookie SOGo wants a second factor, or the password changed
    success=Marker(status=200, cookie="0xHIGHFLYxSOGo"),
    # A refusal that is not SOGo's, such as a proxy's, has no such answer
    failure=Marker(status=403, text=r'"LDAPPasswordPolicyError"\s*:'),
    logout="/SOGo/so/logoff",
)


@dataclass(frozen=True, slots=True)
class Seen:
    """A page after the log-in; `cookie` tells whether one of that name is set."""

    url: str
    status: int
    text: str
    cookie: Callable[[str], bool]


@dataclass(slots=True)
class Form:
    """A form as a page has it: where it goes, and the fields with the values that a browser would send back."""

    action: str = ""
    fields: dict[str, str] = field(default_factory=dict)


def find_form(body: str, names: set[str]) -> Form | None:
    """The first form of a page that has all these fields.

    Regular expressions with bounds, because the standard library's parser can be kept busy for minutes; what is
    beyond the bounds is not looked at.
    """
    forms: list[Form] = []
    for tag in islice(_TAG.finditer(body), MAX_TAGS):
        given = _attributes(tag[2])
        if tag[1].lower() == "form":
            forms.append(Form(given.get("action", "")))
        elif forms and "name" in given and (given.get("type", "").lower() not in {"checkbox", "radio", "submit"}):
            forms[-1].fields[given["name"]] = given.get("value", "")
    return next((form for form in forms if names <= form.fields.keys()), None)


def _attributes(text: str) -> dict[str, str]:
    """Of one tag, the names in lower case; of equal names the first one's (HTML 13.2.5.33)."""
    given: dict[str, str] = {}
    for found in islice(_ATTRIBUTE.finditer(text), MAX_ATTRIBUTES):
        given.setdefault(found[1].lower(), html.unescape((found[2] or "").strip("\"'")))
    return given


def accepted(page: Page) -> Page:
    """A page that is one; raises `ProbeFailureError` for any other status."""
    if failure := refused(page.status):
        raise failure
    return page


def refused(status: int) -> ProbeFailureError | None:
    """What a status of HTTP other than 200 means."""
    if status == 200:
        return None
    cause = Cause.PROTOCOL if status < 400 else Cause.REJECTED_PERMANENT
    return ProbeFailureError(Cause.REJECTED_TEMPORARY if status in {429, 503} else cause, f"HTTP {status}")


def verdict(form: FormOptions, seen: Seen) -> ProbeFailureError | None:
    """What the page after the log-in says: None where it worked. A refusal is believed before a success."""
    if form.failure and form.failure.holds(seen):
        return ProbeFailureError(Cause.AUTH, "the marker of failure")
    if form.success.holds(seen):
        return None
    if form.unavailable and form.unavailable.holds(seen):
        return ProbeFailureError(Cause.REJECTED_TEMPORARY, "the marker of a webmail that is not available")
    return refused(seen.status) or ProbeFailureError(
        Cause.CONTENT, "neither the marker of success nor that of failure after the log-in"
    )


async def open_form(steps: Steps, visit: Visit, home: URL, form: FormOptions) -> tuple[Page, Form]:
    """The phase page: the log-in page and its form."""
    with steps("page"):
        page = accepted(await visit.get(visit.within(home, form.page or "")))
        if form.encoding == "json":
            return page, Form()
        found = find_form(page.body, {form.fields.username, form.fields.password})
        if found is None:
            names = f"{form.fields.username} and {form.fields.password}"
            raise ProbeFailureError(Cause.CONTENT, f"a page without a form with the fields {names}")
        return page, found


async def log_in(steps: Steps, visit: Visit, page: Page, found: Form, form: FormOptions, login: Login) -> Page:
    """The phase login: send the form and follow where it leads; raises `ProbeFailureError` but for success."""
    with steps("login"):
        credential = {form.fields.username: login.username, form.fields.password: login.password.reveal()}
        content = (found.fields if form.hidden == "keep" else {}) | form.extra | credential
        target = visit.within(page.url, form.submit or found.action or str(page.url))
        answer = await visit.post(target, content, as_json=form.encoding == "json")
        if answer.location:
            answer = await visit.get(visit.within(answer.url, answer.location))
        steps.reply(f"HTTP {answer.status}")
        if failure := verdict(form, Seen(str(answer.url), answer.status, answer.body, visit.has_cookie)):
            raise failure
        return answer
