"""How much is served, beside how much the agreement's promises are made for."""

from dataclasses import dataclass

from monitor.core.rules import Rules
from monitor.core.service import Service


@dataclass(frozen=True, slots=True)
class Basis:
    """What the promises hold for."""

    accounts: int
    services: int


@dataclass(frozen=True, slots=True)
class Workload:
    """Services that say how many accounts they serve, and those accounts; what is made of such is not counted again."""

    accounts: int
    services: int
    basis: Basis

    @property
    def exceeded(self) -> tuple[str, ...]:
        """Of which kinds there are more than the promises are made for."""
        of_kinds = {"accounts": self.accounts - self.basis.accounts, "services": self.services - self.basis.services}
        return tuple(kind for kind, more in of_kinds.items() if more > 0)


def workload(rules: Rules, basis: Basis) -> Workload:
    serving = (one for one in rules.services.values() if one.accounts is not None)
    served = [one.accounts or 0 for one in serving if not any(map(_serves, one.members))]
    return Workload(sum(served), len(served), basis)


def _serves(service: Service) -> bool:
    return service.accounts is not None or any(map(_serves, service.members))
