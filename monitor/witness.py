"""What is kept beside recorded checks as evidence: failures in full, and of the good ones their neighbours.

A good check says little, and there are thousands. The last one before a failure and the first one after it show what
was different: another address, another certificate, other phases.
"""

from typing import Any

from monitor.core.check import Outcome
from monitor.runner import Result, testimony


class Witness:
    """Sees every result in the order in which it is recorded."""

    def __init__(self) -> None:
        self._good: dict[str, Result] = {}  # of targets that were well when last seen
        self._failing: set[str] = set()

    def seen(self, result: Result) -> dict[str, Any] | None:
        """What to keep beside this check; `before` is the good one that went before a first failure."""
        name = result.target.name
        if result.check.outcome is Outcome.UP:
            self._good[name] = result
            if name not in self._failing:
                return None
            self._failing.remove(name)
            return testimony(result)
        self._failing.add(name)
        before = self._good.pop(name, None)
        kept = testimony(result)
        return kept if before is None else {**kept, "before": {"at": before.check.at, **testimony(before)}}
