"""Two hours of faults leave behind what ten minutes did: nothing that would grow for years."""

from pathlib import Path

from tests.endure.day import live


def test_nothing_grows_but_what_is_remembered_of_outages(tmp_path: Path) -> None:
    looks = live(tmp_path, 2, "1").looks
    first, last = looks[0], looks[-1]
    assert last.tasks <= first.tasks
    assert (last.held.descriptors, last.held.threads) == (first.held.descriptors, first.held.threads)
    assert last.waiting <= 4  # at most what gathers for the next commit: a check of each target
    assert last.timers < 2 * first.timers
    assert first.events < last.events < 40
