"""Where a report comes from: a ledger, looked at beside a daemon or at rest, and what services are called."""

from monitor.assembly import basis_of, rules_of
from monitor.closing import KIND
from monitor.core.calendar import Month
from monitor.core.instants import Instant
from monitor.incidents.desk import register_of
from monitor.ledger import Reader
from monitor.ledger.restore import restored
from monitor.report.gathering import gather
from monitor.report.model import Names, Report
from monitor.settings import Settings


def report_of(reader: Reader, settings: Settings, month: Month, now: Instant, only: str | None = None) -> Report:
    """The report of a month as the ledger has it. Raises UnknownServiceError, and LedgerDamagedError."""
    book, declarations = restored(reader, rules_of(settings))
    register = register_of(settings, book)
    register.load(reader)
    titles = {one.name: Names(one.name, one.title.th, one.title.en) for one in settings.services}
    return gather(
        book,
        declarations,
        list(reader.facts((KIND,))),
        month,
        now,
        close_after=settings.sla.close_after,
        basis=basis_of(settings),
        head=reader.newest_digest(),
        register=register,
        titles=lambda name: titles.get(name, Names(name)),
        only=only,
    )
