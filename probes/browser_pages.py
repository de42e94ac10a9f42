"""What the browser does with the pages of one visit. Runs in the process of `probes.browser_worker` only."""

import os
import re
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from playwright.sync_api import BrowserContext, Error, Request, Route, sync_playwright
from playwright.sync_api import TimeoutError as SlowError

from probes.browser import MAX_SCREENSHOT, Message
from probes.errors import Cause, ProbeFailureError
from probes.forms import FormOptions, Seen, refused, verdict

Report = Callable[..., None]
_POLL = 100  # milliseconds between looks at the page after the log-in
_LOOK = 1000  # milliseconds that reading the page may take
_SHOT = 2000  # milliseconds that a screenshot may take
# As a user would, by the button; a form without one is sent as Enter would
_SUBMIT = """field => {
  const form = field.form;
  const button = form && form.querySelector('[type=submit], [type=image], button:not([type])');
  setTimeout(() => button ? button.click() : form && form.requestSubmit());
}"""
_MAY_CHANGE = {Cause.TIMEOUT, Cause.CONTENT, Cause.PROTOCOL}  # while the page is still at work
# What Chromium calls an error, the first that fits
_NET = (
    ("ERR_CERT_", Cause.TLS_CERTIFICATE),
    ("ERR_SSL_", Cause.TLS_HANDSHAKE),
    ("ERR_CONNECTION_REFUSED", Cause.CONNECT_REFUSED),
    ("ERR_CONNECTION_TIMED_OUT", Cause.CONNECT_TIMEOUT),
    ("ERR_CONNECTION_", Cause.DISCONNECTED),
    ("ERR_EMPTY_RESPONSE", Cause.DISCONNECTED),
    # The rules of resolution leave no other host and port than the target's
    ("ERR_NAME_NOT_RESOLVED", Cause.CONTENT),
    ("ERR_BLOCKED_BY_CLIENT", Cause.CONTENT),
    ("ERR_FAILED", Cause.CONTENT),
    ("ERR_", Cause.PROTOCOL),
)


def visit(request: dict[str, Any], executable: Path, report: Report) -> None:
    """Do what is asked and report it, a failure with a screenshot where there is a page."""
    try:
        with _translating(), sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=executable,
                args=_arguments(request),
                chromium_sandbox=os.geteuid() != 0,  # as root Chromium refuses to run with one
            )
            context = browser.new_context(
                locale="en",  # the reason for a refused log-in comes in words only
                viewport={"width": 1280, "height": 800},
                accept_downloads=False,
                service_workers="block",
            )
            pages = _Pages(request, context, report)
            try:
                with _translating():
                    pages.go()
            except ProbeFailureError:
                if picture := pages.screenshot():
                    report(screenshot=b64encode(picture).decode())
                raise
    except ProbeFailureError as failure:
        report(failure=failure.cause.value, reply=failure.reply)
    else:
        report(done=True)


@contextmanager
def _translating() -> Iterator[None]:
    try:
        yield
    except SlowError:
        raise ProbeFailureError(Cause.TIMEOUT, "the page has not come within the browser's patience") from None
    except Error as error:
        raise _meaning(error.message) from None


def _meaning(message: str) -> ProbeFailureError:
    """What an error of the browser says; the rest of its text may hold what was sent."""
    found = re.search(r"net::(ERR_\w+)", message)
    if found is None:
        return ProbeFailureError(Cause.BROWSER, "the browser cannot be run, or broke down")
    cause = next(cause for name, cause in _NET if found[1].startswith(name))
    return ProbeFailureError(cause, f"Chromium: {found[1]}")


def _arguments(request: dict[str, Any]) -> list[str]:
    """The checked address for the target's host and port, and nothing for any other; the checked key, if any."""
    url = urlsplit(request["url"])
    port = url.port or (443 if url.scheme == "https" else 80)
    host, address = (f"[{name}]" if ":" in name else name for name in (url.hostname or "", request["address"]))
    rules = f"MAP {host}:{port} {address}:{port}, MAP * ~NOTFOUND"
    chosen = [f"--host-resolver-rules={rules}", "--disable-quic", "--no-proxy-server"]
    if request["pin"]:
        chosen.append(f"--ignore-certificate-errors-spki-list={request['pin']}")
    return chosen


class _Pages:
    """The pages of one visit, in phases."""

    def __init__(self, request: dict[str, Any], context: BrowserContext, report: Report) -> None:
        self._url = str(request["url"])
        self._not_after = request["not_after"]
        self._username, self._password = str(request["username"]), str(request["password"])
        self._form = FormOptions(**request["form"])
        self._message = Message(**request["message"]) if request["message"] else None
        self._patience = 1000.0 * request["patience"]
        self._report = report
        self._context = context
        context.set_default_timeout(self._patience)
        context.route("**/*", self._guard)
        self._page = context.new_page()
        self._status = 0
        self._navigating: Request | None = None
        self._broken: ProbeFailureError | None = None
        self._page.on("requestfailed", self._failed)
        self._page.on("request", self._requested)
        # Only then: before it the page that is left would be judged by the status of the next
        self._page.on("domcontentloaded", lambda _: self._loaded())
        self._page.on("response", lambda answer: self._answered(answer.request, answer.status))

    def go(self) -> None:
        self._report(phase="page")
        self._open_form()
        self._report(phase="login")
        self._log_in()
        if self._message:
            self._report(phase="message")
            self._open_message(self._message)
        if self._message and self._message.logout:
            self._report(phase="logout")
            self._log_out(self._message.logout)

    def _open_form(self) -> None:
        answer = self._page.goto(urljoin(self._url, self._form.page or ""), wait_until="domcontentloaded")
        self._report(status=answer.status if answer else 0)
        if answer is None:
            raise ProbeFailureError(Cause.CONTENT, "no page")
        shown = answer.security_details()
        if self._not_after is not None and (shown is None or shown.get("validTo") != self._not_after):
            raise ProbeFailureError(Cause.TLS_CERTIFICATE, "the browser was shown another certificate")
        if failure := refused(answer.status):
            raise failure
        names = self._form.fields
        try:
            self._field(names.password).wait_for(state="visible")
        except SlowError:
            text = f"a page without a form with the fields {names.username} and {names.password}"
            raise ProbeFailureError(Cause.CONTENT, text) from None

    def _field(self, name: str) -> Any:
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return self._page.locator(f'input[name="{escaped}"]').first

    def _log_in(self) -> None:
        names = self._form.fields
        self._field(names.username).fill(self._username)
        self._field(names.password).fill(self._password)
        for name, value in self._form.extra.items():
            self._field(name).fill(value)
        self._status = 0
        already = self._verdict()  # of the page that is left: a marker may be the form itself
        self._field(names.password).evaluate(_SUBMIT)
        late = threading.Event()
        timer = threading.Timer(self._patience / 1000, late.set)
        timer.daemon = True
        timer.start()
        failure = already
        while not late.is_set():
            failure = self._verdict()
            if self._broken:
                raise self._broken
            if failure is None:
                self._report(status=self._status or 200)
                return
            stale = not self._status and already is not None and already.cause is failure.cause
            if not stale and failure.cause not in _MAY_CHANGE:
                break
            self._page.wait_for_timeout(_POLL)
        raise failure or ProbeFailureError(Cause.TIMEOUT, "no answer to the log-in")

    def _verdict(self) -> ProbeFailureError | None:
        """What the page says now."""
        if self._navigating is not None:
            return ProbeFailureError(Cause.TIMEOUT, "no answer to the log-in within the browser's patience")
        try:
            text = self._page.locator("html").evaluate("root => root.outerHTML", timeout=_LOOK)
        except Error:  # it is just being replaced
            return ProbeFailureError(Cause.TIMEOUT, "no page after the log-in")
        return verdict(self._form, Seen(self._page.url, self._status or 200, text, self._has_cookie))

    def _has_cookie(self, name: str) -> bool:
        return any(cookie.get("name") == name and cookie.get("value") for cookie in self._context.cookies())

    def _open_message(self, message: Message) -> None:
        link = self._page.locator(message.link).first
        try:
            link.wait_for(state="attached")
        except SlowError:
            raise ProbeFailureError(Cause.CONTENT, "no message to open") from None
        self._follow(link)
        try:
            self._page.locator(message.shown).first.wait_for(state="visible")
        except SlowError:
            raise ProbeFailureError(Cause.CONTENT, "the message does not open") from None

    def _follow(self, link: Any) -> None:
        """Go where a link leads; what has no address is clicked."""
        if (target := link.get_attribute("href")) and not target.startswith(("#", "javascript:")):
            self._page.goto(urljoin(self._page.url, target), wait_until="domcontentloaded")
        else:
            link.click()

    def _log_out(self, selector: str) -> None:
        with suppress(Error):  # whatever comes of it, the check is done
            link = self._page.locator(selector).first
            link.wait_for(state="attached", timeout=_SHOT)
            self._follow(link)

    def _guard(self, route: Route) -> None:
        """Nothing leaves for another host; redirects come to their end in the rules of resolution."""
        home, asked = urlsplit(self._url), urlsplit(route.request.url)
        if asked.scheme in {"data", "blob", "about"} or (asked.scheme, asked.netloc) == (home.scheme, home.netloc):
            route.continue_()
        else:
            route.abort("blockedbyclient")

    def _requested(self, request: Request) -> None:
        if request.is_navigation_request() and request.frame == self._page.main_frame:
            self._navigating = request

    def _answered(self, request: Request, status: int) -> None:
        if request == self._navigating:
            self._status = status

    def _loaded(self) -> None:
        if self._status or self._navigating is None:
            self._navigating = None

    def _failed(self, request: Request) -> None:
        """A navigation that did not come about, but for one that another replaced."""
        if request == self._navigating:
            self._navigating = None
            if request.failure and "ERR_ABORTED" not in request.failure:
                self._broken = _meaning(request.failure)

    def screenshot(self) -> bytes | None:
        """What the page looks like, with every password emptied; None where it would show one nevertheless."""
        try:
            # Pages that are still coming would keep the one that is shown from being read
            self._context.new_cdp_session(self._page).send("Page.stopLoading")
            for frame in self._page.frames:
                root = frame.locator("html")
                root.evaluate(
                    "(_, name) => document.querySelectorAll('input').forEach("
                    "i => { if (i.type === 'password' || i.name === name) i.value = ''; })",
                    self._form.fields.password,
                    timeout=_SHOT,
                )
                if self._password in root.evaluate("root => root.innerText", timeout=_SHOT):
                    return None
            picture = self._page.screenshot(type="png", timeout=_SHOT)
        except Error:  # a page that hangs has no picture
            return None
        return picture if len(picture) <= MAX_SCREENSHOT else None
