"""How much is served beside the agreement's basis, as metrics."""

from monitor.core.workload import Basis, Workload
from monitor.metrics import Health
from monitor.metrics.health import monitor_block


def block(accounts: int, services: int) -> str:
    health = Health(True, 0, None, 0, 0.0, 0, True, 0, workload=Workload(accounts, services, Basis(250_000, 320)))
    return "".join(monitor_block(health, "2026-11"))


def test_exactly_the_basis_is_not_exceeded_and_one_more_is() -> None:
    exactly, more = block(250_000, 320), block(250_001, 320)

    assert 'mailuptime_workload{kind="accounts"} 250000.0\n' in exactly
    assert 'mailuptime_workload_basis{kind="services"} 320.0\n' in exactly
    assert 'mailuptime_workload_basis_exceeded{kind="accounts"} 0.0\n' in exactly
    assert 'mailuptime_workload_basis_exceeded{kind="accounts"} 1.0\n' in more
    assert 'mailuptime_workload_basis_exceeded{kind="services"} 0.0\n' in more


def test_where_nothing_is_served_nothing_is_told() -> None:
    assert "workload" not in block(0, 0)
