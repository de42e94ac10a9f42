"""Makes one report for the daemon: a process of its own, so that neither reckoning nor setting a page holds a check.

It reads one `Request` as JSON from standard input, looks at the ledger beside the daemon that writes it, and puts the
report on standard output; or one line on standard error and a status.
"""

import json
import os
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from monitor.core.calendar import Month
from monitor.core.instants import Instant
from monitor.ledger import LedgerError, Reader
from monitor.report.gathering import UnknownServiceError
from monitor.report.rendering import Format, NoTypesetterError, TypesettingError, rendered
from monitor.report.source import report_of
from monitor.settings import ConfigurationError, load
from monitor.texts import Language

FAILED, UNKNOWN_SERVICE = 69, 2
_NICE = 10
"""Checks come first."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to make, as of `now`; `service` None for those that are no part of another.

    `revision` is the one that must be on record, where it matters.
    """

    configuration: str
    month: str
    language: Language
    format: Format
    now: Instant
    service: str | None = None
    revision: int | None = None

    def document(self) -> bytes:
        return json.dumps(asdict(self)).encode()


class OtherRevisionError(Exception):
    """The ledger has not, or no longer, this revision as its newest; the text is one line."""


def made(request: Request) -> bytes:
    """Raises what `main` says in one line."""
    settings = load(Path(request.configuration))
    with Reader.beside(settings.ledger.path) as ledger:
        report = report_of(ledger, settings, Month.parse(request.month), request.now, request.service)
    newest = 0 if report.revision is None else report.revision.number
    if request.revision not in {None, newest}:
        raise OtherRevisionError(f"revision {request.revision} is not the newest on record: that is {newest}")
    return rendered(report, request.language, request.format)


_SAID = (LedgerError, OSError, NoTypesetterError, OtherRevisionError, TypesettingError)
"""What has a text of one line."""


def main() -> int:
    with suppress(OSError):  # the unit's filter of system calls allows no change of priority
        os.nice(_NICE)
    try:
        sys.stdout.buffer.write(made(Request(**json.load(sys.stdin))))
    except ConfigurationError as error:
        return _failed(str(error.problems[0]))
    except _SAID as error:
        return _failed(str(error))
    except UnknownServiceError as error:
        return _failed(str(error), UNKNOWN_SERVICE)
    return 0


def _failed(text: str, status: int = FAILED) -> int:
    sys.stderr.write(f"{text}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
