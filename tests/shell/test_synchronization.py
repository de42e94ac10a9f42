"""What the kernel says of its clock."""

import ctypes

import pytest

from monitor import synchronization
from monitor.synchronization import LOOK, Synchronization, clock_synchronized
from tests.shell import virtual
from tests.shell.virtual import VirtualClock


def kernel(monkeypatch: pytest.MonkeyPatch, state: int, status: int) -> None:
    """In place of adjtimex(2): the clock's state, and its status in the structure that is given."""

    def adjtimex(asked: object) -> int:
        structure = asked._obj  # type: ignore[attr-defined]
        assert structure.modes == 0, "the clock would be set"
        structure.status = status
        return state

    monkeypatch.setattr(synchronization, "_adjtimex", lambda: adjtimex)


@pytest.mark.parametrize(
    ("state", "status", "told"),
    [
        (0, 0x2001, True),  # TIME_OK
        (1, 0x0010, True),  # a leap second is to come
        (5, 0x0040, False),  # TIME_ERROR
        (5, 0, False),
        (0, 0x0040, False),  # STA_UNSYNC
        (-1, 0, None),  # refused, as in a sandbox
    ],
)
def test_the_clock_is_synchronized_where_the_kernel_says_so(
    monkeypatch: pytest.MonkeyPatch, state: int, status: int, told: bool | None
) -> None:
    kernel(monkeypatch, state, status)
    assert clock_synchronized() is told


def test_without_the_call_it_cannot_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synchronization, "_adjtimex", lambda: None)
    assert clock_synchronized() is None


def test_the_systems_own_answer_fits_into_the_structure() -> None:
    """The kernel writes no more than its `struct timex`, which is 208 bytes where numbers are longest."""
    assert ctypes.sizeof(synchronization._Timex) >= 208
    assert clock_synchronized() in {True, False, None}


def test_it_is_told_at_the_start_and_at_each_change(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[float, bool | None]] = []
    answers = iter([True, True, False, False, None, True, True])
    monkeypatch.setattr(synchronization, "clock_synchronized", lambda: next(answers))

    async def scenario(clock: VirtualClock) -> None:
        watch = Synchronization(clock, lambda known: told.append((clock.elapsed() / 1e6, known)))
        async with virtual.beside(watch.run()):
            await clock.sleep(6.5 * LOOK)
        assert watch.known is True

    virtual.run(scenario)
    assert told == [(0, True), (2 * LOOK, False), (4 * LOOK, None), (5 * LOOK, True)]
