"""`mailuptime outages --evidence`: what was seen in an outage, and on both sides of it."""

import sys
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from monitor.cli.common import CommandError, Exit, answer, print_json, reading
from monitor.figures import Document, minutes, moment
from monitor.settings import Settings

LABEL = 13
MOST_REPLIES = 5
"""Of a check, the last ones; `--format json` has all that are kept."""


def show(settings: Settings, month: str | None, identity: str, shape: str) -> Exit:
    """Print the evidence of the month's outages, or of the one with this id."""
    from monitor import archived, proof  # noqa: PLC0415 - the ledger is not opened for figures alone
    from monitor.core.instants import SECOND, format_instant, parse_instant  # noqa: PLC0415

    if shape == "csv":
        raise CommandError(Exit.USAGE, "--evidence is not flat enough for csv: use --format json")
    if identity and month is None:
        month = proof.month_of(identity, settings.zone)
    document = answer(settings, "outages", lambda resting: resting.outages(month), month=month)
    found = [one for one in document["outages"] if identity in ("", one["id"])]
    if identity and not found:
        known = ", ".join(one["id"] for one in document["outages"][-5:]) or "none"
        text = f'there is no outage "{identity}" in {document["month"]}; the last ones there: {known}'
        raise CommandError(Exit.USAGE, text)
    zone = ZoneInfo(document["timezone"])
    with reading(settings) as reader:
        until = archived.evidence_until(reader)
        if until is not None and any(parse_instant(one["start"], zone) <= until for one in found):
            print(f"evidence up to {format_instant(until, zone)} was pruned: ledger.keep_evidence", file=sys.stderr)
        documents = [{**one, "evidence": proof.gathered(reader, one, zone)} for one in found]
    if shape == "json":
        print_json({**document, "outages": documents})
    elif documents:
        for one in documents:
            length = minutes(round(one["seconds"] * SECOND))
            end = moment(one["end"]) if one["end"] else "running"
            print(f"{one['id']}: {moment(one['start'])} to {end}, {length}, {one['cause'] or 'no cause'}")
            print("\n".join(line for part in one["evidence"] for line in part_lines(part, running=one["end"] is None)))
    else:
        print(f"No outage in {document['month']} ({document['timezone']}).")
    return Exit.OK


def part_lines(part: Document, *, running: bool) -> Iterator[str]:
    """A target's part, the checks in the order of time."""
    yield f"  {part['target']}"
    yield from check_lines("before", part["before"])
    for check in part["first"]:
        yield from check_lines(check["outcome"], check)
    if part["last"]:
        yield "    …"
    for check in part["last"]:
        yield from check_lines(check["outcome"], check)
    if running and part["after"] is None:
        yield f"    {'after':<{LABEL}} it goes on"
    else:
        yield from check_lines("after", part["after"])


def check_lines(what: str, check: Document | None) -> Iterator[str]:
    """A check with all that is kept of it."""
    if check is None:
        yield f"    {what:<{LABEL}} no good check within a day"
        return
    verdict = check["outcome"] if check["cause"] is None else check["cause"]
    where = f" in {check['phase']}" if check["phase"] else ""
    kind = " (pulse)" if check.get("pulse") else ""
    spent = f"{check['duration_seconds'] * 1000:.0f} ms"
    yield f"    {what:<{LABEL}} {moment(check['at'])}  {verdict}{where} after {spent}{kind}"
    for label, text in _seen(check):
        yield f"      {label:<{LABEL - 2}} {text}"


def _seen(check: Document) -> Iterator[tuple[str, str]]:
    if check.get("reply"):
        yield "reply", check["reply"]
    yield from (("said", line) for line in check.get("replies", ())[-MOST_REPLIES:] if line != check.get("reply"))
    if phases := check.get("phases"):
        yield "phases", "  ".join(f"{one['phase']} {one['seconds'] * 1000:.1f}" for one in phases) + " ms"
    if address := check.get("address"):
        others = [one for one in check.get("addresses", ()) if one != address]
        yield "address", address + (f" (also {', '.join(others)})" if others else "")
    if version := check.get("tls_version"):
        yield "tls", ", ".join(filter(None, (version, check.get("tls_cipher"))))
    if certificate := check.get("certificate"):
        problem = f" ({certificate['problem']})" if certificate["problem"] else ""
        yield "certificate", f"{certificate['subject']}, until {moment(certificate['not_after'])}{problem}"
    yield from (("warning", line) for line in check.get("warnings", ()))
