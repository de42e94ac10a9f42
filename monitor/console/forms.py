"""What was filled in, with what is wrong beside each field; nothing that was typed is lost."""

from collections.abc import Awaitable, Iterable
from difflib import get_close_matches

from monitor.acts import RefusedActError
from monitor.bookkeeper import NotDurableError
from monitor.console.visit import Visit
from monitor.core.instants import Instant, parse_instant
from monitor.figures import Document
from monitor.ledger import LedgerError
from monitor.settings import ConfigurationError


class Form:
    """`values` and `errors` are by field; `general` is what belongs to none."""

    def __init__(self, visit: Visit, fields: Iterable[str]) -> None:
        self._visit = visit
        self.values = {name: visit.form.get(name, "").strip() for name in fields}
        self.errors: dict[str, str] = {}
        self.general: list[str] = []

    @property
    def well(self) -> bool:
        return not self.errors and not self.general

    @property
    def status(self) -> int:
        return 200 if self.well else 422

    def given(self) -> dict[str, str]:
        """What is filled in."""
        return {name: value for name, value in self.values.items() if value}

    def wrong(self, field: str, reason: str, **values: object) -> None:
        """The first thing that is wrong with a field stays."""
        self.errors.setdefault(field, self._visit.text(f"errors.{reason}", **values))

    def require(self, *names: str) -> None:
        for name in names:
            if not self.values[name]:
                self.wrong(name, "required")

    def time(self, name: str) -> Instant | None:
        """The instant of a field; None where it is empty or is none."""
        text = self.values[name]
        if not text:
            return None
        try:
            return parse_instant(text, self._visit.wording.zone)
        except ValueError as error:
            self.wrong(name, "time", why=str(error))
            return None

    def past(self, name: str, now: Instant, after: str | None = None) -> None:
        """A time that has come, and lies not before a document's, where one is given."""
        at, zone = self.time(name), self._visit.wording.zone
        if at is not None and at > now:
            self.wrong(name, "ahead")
        if at is not None and after is not None and at < parse_instant(after, zone):
            self.wrong(name, "before_record", at=self._visit.wording.moment(after))

    def names(self, name: str, known: Iterable[str]) -> list[str]:
        """A field of names, with commas or lines between."""
        found = [one.strip() for one in self.values[name].replace("\n", ",").split(",") if one.strip()]
        listed = set(known)
        wrong = next((one for one in found if one not in listed), None)
        if wrong is not None:  # the first alone: what is like a name is looked for in all of them
            close = get_close_matches(wrong, listed, n=1)
            self.wrong(name, "no_such_name_but" if close else "no_such_name", name=wrong, other=(close or [""])[0])
        return found

    async def sent(self, act: Awaitable[Document]) -> Document | None:
        """What came of an act; None where it was refused, which then stands in the form."""
        try:
            return await act
        except ConfigurationError as error:
            for problem in error.problems:
                hint = f"; {problem.hint}" if problem.hint else ""
                self._refused(problem.key.partition("[")[0], f"{problem.message}{hint}")
        except RefusedActError as error:
            self._not_done(error)
        except (NotDurableError, LedgerError) as error:
            self.general.append(self._visit.text("errors.not_recorded", why=str(error)))
        return None

    def _not_done(self, error: RefusedActError) -> None:
        """By its code in the language of the page; else as it stands, beside the field that it begins with."""
        name, colon, why = str(error).partition(": ")
        if error.code:
            self.general.append(self._visit.text(f"refused.{error.code}", why=str(error)))
        elif colon and name in self.values:
            self.wrong(name, "refused", why=why)
        else:
            self.general.append(self._visit.text("errors.refused", why=str(error)))

    def _refused(self, name: str, why: str) -> None:
        if name in self.values:
            self.wrong(name, "refused", why=why)
        else:
            self.general.append(self._visit.text("errors.refused", why=f"{name}: {why}" if name else why))
