"""From a ledger to a report: everything is read and reckoned here, and nothing is worded.

A report has a chapter for each service whose counting targets are not all among those of another: of a roll-up over
320 agencies that is the roll-up, and the agencies stand in its annex.
"""

from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version

from monitor.closing import body_of, digest_of
from monitor.core import ACCOUNTING_VERSION
from monitor.core.book import Book, Horizon
from monitor.core.calendar import Month
from monitor.core.declarations import Act, Declarations
from monitor.core.instants import Duration, Instant
from monitor.core.intervals import Span, Spans, clip, total
from monitor.core.maintenance import Window, judge
from monitor.core.month import Figures
from monitor.core.rules import Rules
from monitor.core.service import EVERYTHING, Service
from monitor.core.workload import Basis, workload
from monitor.incidents.documents import readings
from monitor.incidents.register import Register
from monitor.ledger import Link
from monitor.report.model import Change, Chapter, Excluded, Maintained, Names, Report, Revision, Row

MONTHS = 12
"""How many months are shown beside one another, the report's own included."""

Titles = Callable[[str], Names]


class UnknownServiceError(Exception):
    """No service has this name in that month; the text is one line."""


def gather(
    book: Book,
    declarations: Declarations,
    closings: Sequence[Link],
    month: Month,
    now: Instant,
    *,
    close_after: Duration,
    basis: Basis,
    head: str,
    register: Register,
    titles: Titles,
    only: str | None = None,
) -> Report:
    """The report of a month as seen at `now`, of all its services or of `only` one.

    `closings` are the ledger's facts of that kind, of any month. Raises UnknownServiceError.
    """
    start, end = month.span(book.rules.zone)
    now = book.present(now)
    seen = min(end, now)
    rules = book.epochs.at(max(seen, start) - 1)
    gathering = _Gathering(book, declarations, month, Horizon(now, now=True), rules, titles)
    chapters = tuple(gathering.chapter(name) for name in _chosen(rules, only))
    revisions = _revisions(link for link in closings if link.fact.body["month"] == str(month))
    newest = next((link.fact.body for link in reversed(closings) if link.fact.body["month"] == str(month)), None)
    judged = min(end - 1, now)
    tickets = register.compliance(month, revisions[-1].at if revisions else now)
    return Report(
        month=month,
        zone=book.rules.zone,
        status="running" if now < end else "closed" if revisions else "open",
        seen=seen,
        closes=end + close_after,
        chapters=chapters,
        tickets=tickets,
        holidays=tuple(register.days.used(month, judged, book.rules.zone)),
        critical_always=readings(register.judging.at(judged))["critical_runs"] == "always",
        workload=workload(rules, basis),
        policy=rules.policy,
        rules_changed=tuple(at for at in book.epochs.starts if start < at < seen),
        rules_digest=digest_of(rules.document()),
        accounting=ACCOUNTING_VERSION if newest is None else newest["accounting"],
        tzdata=version("tzdata") if newest is None else newest["tzdata"],
        revisions=revisions,
        agrees=newest is None or (gathering.agree(newest["services"]) and tickets.body() == newest.get("tickets", {})),
        head=revisions[-1].link if revisions else head,
    )


def main_services(rules: Rules) -> list[str]:
    """Those whose counting targets are not all among another's, in the order of the configuration."""
    leaves = {name: frozenset(service.leaves()) for name, service in rules.services.items()}
    distinct = set(leaves.values())
    largest = {own for own in distinct if not any(own < other for other in distinct)}
    return [name for name, own in leaves.items() if own in largest]


def _chosen(rules: Rules, only: str | None) -> list[str]:
    if only is None:
        return main_services(rules)
    if only not in rules.services:
        known = ", ".join(main_services(rules))
        raise UnknownServiceError(f'there is no service "{only}" in that month; among others there is: {known}')
    return [only]


class _Gathering:
    """One look at one month; each service is evaluated once."""

    def __init__(
        self,
        book: Book,
        declarations: Declarations,
        month: Month,
        horizon: Horizon,
        rules: Rules,
        titles: Titles,
    ) -> None:
        self._book = book
        self._declarations = declarations
        self._month = month
        self._horizon = horizon
        self._rules = rules
        self._titles = titles
        self._made: dict[tuple[str, Month], Figures] = {}

    def figures(self, name: str, month: Month | None = None) -> Figures:
        asked = month or self._month
        if (name, asked) not in self._made:
            of_member = lambda one: self.figures(one, asked)  # noqa: E731 - three words
            self._made[name, asked] = self._book.figures(name, asked, self._horizon, of_member)
        return self._made[name, asked]

    def agree(self, recorded: dict[str, object]) -> bool:
        """Whether the figures of every service that was closed are still those on record."""
        return all(body_of(self.figures(name)) == body for name, body in recorded.items() if self._known(name))

    def chapter(self, name: str) -> Chapter:
        service, figures = self._rules.services[name], self.figures(name)
        span = (figures.since or 0, figures.until or 0)
        down, unseen = self._sets(name, span)
        members = [one.name for one in service.members]
        own = frozenset(service.leaves())
        beneath = [
            other
            for other, one in self._rules.services.items()
            if other != name and other not in members and frozenset(one.leaves()) < own
        ]
        return Chapter(
            names=self._titles(name),
            figures=figures,
            rule=service,
            targets=tuple((leaf, self._rules.targets[leaf]) for leaf in service.leaves()),
            remaining=self._remaining(name, figures, span),
            unseen=unseen,
            maintenance=self._maintenance(service, down),
            exclusions=self._exclusions(service, down),
            history=tuple(self._before(name, back) for back in range(MONTHS - 1, -1, -1)),
            members=self._rows(members),
            beneath=self._rows(beneath),
        )

    def _known(self, name: str) -> bool:
        return name in self._rules.services

    def _before(self, name: str, back: int) -> Figures:
        month = self._month.plus(-back)
        return self.figures(name, month) if back else self.figures(name)

    def _rows(self, names: Iterable[str]) -> tuple[Row, ...]:
        return tuple(Row(self._titles(name), self._rules.services[name].accounts, self.figures(name)) for name in names)

    def _sets(self, name: str, span: Span) -> tuple[Spans, Spans]:
        """What was down and what was unknown in a span."""
        if span[0] >= span[1]:
            return [], []
        sets, _ = self._book.evaluated(name, span, self._horizon)
        return clip(sets.down, *span), clip(sets.unknown, *span)

    def _remaining(self, name: str, figures: Figures, span: Span) -> tuple[tuple[Instant, Duration], ...]:
        if span[0] >= span[1]:
            return ()
        start, left = self._month.start(self._rules.zone), figures.budget
        points = [(start, left)]
        for began, ended in self._book.counted(name, span, self._horizon):
            points.append((began, left))
            left -= ended - began
            points.append((ended, left))
        return (*points, (span[1], left))

    def _maintenance(self, service: Service, down: Spans) -> tuple[Maintained, ...]:
        start, end = self._month.span(self._rules.zone)
        found = [
            self._maintained(window, act, occurrence, down)
            for window, act in self._declarations.windows
            if _concerns(window.scope, service)
            for occurrence in window.occurrences(start, end)
        ]
        return tuple(sorted(found, key=lambda one: (one.judgement.planned, one.window.id)))

    def _maintained(self, window: Window, act: Act, occurrence: Span, down: Spans) -> Maintained:
        judgement = judge(window, occurrence, self._book.epochs.at(occurrence[0]).policy)
        excused = judgement.excused
        downtime = 0 if excused is None else total(clip(down, *excused))
        return Maintained(window, act, judgement, window.cut(occurrence[1]), downtime)

    def _exclusions(self, service: Service, down: Spans) -> tuple[Excluded, ...]:
        start, end = self._month.span(self._rules.zone)
        found = [
            Excluded(one, act, total(clip(down, one.start, one.end)))
            for one, act in self._declarations.exclusions
            if _concerns(one.scope, service) and one.start < end and start < one.end
        ]
        return tuple(sorted(found, key=lambda one: (one.exclusion.start, one.exclusion.id)))


def _concerns(scope: tuple[str, ...], service: Service) -> bool:
    """Whether a window or an exclusion of this scope is of the service, of a part of it, or of everything."""
    return not scope or not {EVERYTHING, *_parts(service)}.isdisjoint(scope)


def _parts(service: Service) -> set[str]:
    return {service.name, *service.targets}.union(*map(_parts, service.members))


def _revisions(closings: Iterable[Link]) -> tuple[Revision, ...]:
    found: list[Revision] = []
    before: dict[str, dict[str, object]] = {}
    for link in closings:
        body = link.fact.body
        services = body["services"]
        changes = _changes(before, services) if found else ()
        at, reason = link.fact.at, body["reason"]
        found.append(Revision(body["revision"], at, reason, digest_of(body), link.digest.hex(), changes))
        before = services
    return tuple(found)


def _changes(before: dict[str, dict[str, object]], after: dict[str, dict[str, object]]) -> tuple[Change, ...]:
    both = [(name, before[name], after[name]) for name in after if name in before]
    made = [
        Change(name, old["downtime"], new["downtime"], old["verdict"], new["verdict"])  # type: ignore[arg-type]
        for name, old, new in both
        if (old["downtime"], old["verdict"]) != (new["downtime"], new["verdict"])
    ]
    return tuple(made)
