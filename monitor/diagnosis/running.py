"""The running daemon as it sees itself, by its control socket."""

import stat
from collections.abc import Iterator

from monitor.control import NotRunningError, RefusedError, ask
from monitor.diagnosis.findings import Finding, fail, ok, warn
from monitor.figures import Document
from monitor.settings import Settings

STALE = 300.0
"""Seconds without a scrape after which nobody would be told of an outage."""
DEBUGGED = "mailuptime probe {} says what to do"


def condition(settings: Settings) -> Document | None:
    """What the daemon says of itself; None where none answers, or not to this user."""
    try:
        return ask(settings.control.socket, "condition")
    except (NotRunningError, RefusedError, OSError):
        return None


def control(settings: Settings) -> Iterator[Finding]:
    path, check = settings.control.socket, "daemon"
    try:
        mode = path.stat().st_mode
    except OSError as error:
        yield fail(check, f"{path}: {error.strerror}: it does not run", "start it: systemctl start mailuptime")
        return
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        yield fail("control socket", f"everybody may command the daemon at {path}", f"chmod o-rw {path}")
    try:
        found = ask(path, "condition")
    except NotRunningError:
        yield fail(check, f"none answers on {path}", "start it: systemctl start mailuptime")
    except PermissionError:
        yield fail(check, f"{path} is not for this user", "be a member of the group that the socket belongs to")
    except (RefusedError, OSError) as error:
        yield fail(check, f"{path}: {error}", "restart it: systemctl restart mailuptime")
    else:
        yield ok(check, f"version {found['version']} answers on {path}")


def readiness(found: Document) -> Iterator[Finding]:
    for reason in found["unready"]:
        todo = "wait for the first round of checks; else see journalctl -u mailuptime -p warning"
        yield fail("readiness", reason, todo)
    if not found["unready"]:
        yield ok("readiness", "every target has been checked and the ledger is written")
    if not found["configured"]:
        todo = "mailuptime check-config names the lines; then mailuptime reload"
        yield fail("reload", "the last reload was refused; the daemon goes on with the old configuration", todo)
    if found["pending"] > found["targets"] * 10:
        yield warn("ledger", f"{found['pending']} records wait to be written", "look at the disk's load")


def self_tests(found: Document) -> Iterator[Finding]:
    check = "self tests"
    if not found["self_tests"]:
        todo = "self_test: [resolver, gateway], or an outage of the monitor's own network counts as the service's"
        yield warn(check, "none", todo)
    for name, passed in found["self_tests"].items():
        if passed:
            yield ok(check, f"{name} passes")
        else:
            yield fail(check, f"{name} fails", "mend the monitor's own network: until then failures are unknown")


def scraping(found: Document, settings: Settings) -> Iterator[Finding]:
    check, ago = "prometheus", found["scraped_seconds_ago"]
    todo = f"let it scrape http://{settings.web.listen}/metrics (config/prometheus/prometheus.yml)"
    if ago is not None and ago < STALE:
        yield ok(check, f"scraped {ago:.0f} s ago")
    elif settings.notify.urls:
        yield ok(check, "does not scrape; notifications are told without it")
    else:
        what = "has not scraped since the daemon started" if ago is None else f"scraped last {ago:.0f} s ago"
        yield fail(check, f"{what}, and there is no notify: nobody would be told of an outage", todo)
    failed = found["notifications"].get("failed", 0)
    if failed:
        yield warn("notifications", f"{failed} could not be handed over", "journalctl -u mailuptime says why")


def certificates(found: Document) -> Iterator[Finding]:
    check = "certificates"
    for one in found["certificates"]:
        what = f"{one['target']}: ends on {one['not_after'][:10]}"
        if one["problem"] is not None:
            yield fail(check, f"{one['target']}: does not verify ({one['problem']})", DEBUGGED.format(one["target"]))
        elif one["expiring"]:
            yield warn(check, what, "have the server's certificate renewed")
    if not any(one["problem"] or one["expiring"] for one in found["certificates"]):
        yield ok(check, f"{len(found['certificates'])} servers show one that verifies and is not near its end")


def accounts(found: Document) -> Iterator[Finding]:
    check = "accounts"
    for name, seconds in found["resting"].items():
        todo = "correct the password and reload; it is tried again by itself"
        yield fail(check, f"{name} rests for {seconds:.0f} s after refused log-ins", todo)
    for name, cause in found["refused"].items():
        yield fail(check, f"{name}: the log-in fails ({cause})", DEBUGGED.format(name))
    if not found["resting"] and not found["refused"]:
        yield ok(check, f"{found['logins']} targets log in")
