"""A small, seeded part of `make soak`: nothing is lost over SIGKILLs at random instants."""

from pathlib import Path

from tests.soak.play import play


def test_a_daemon_killed_again_and_again_keeps_the_books_of_one_that_never_was(tmp_path: Path) -> None:
    found = play(tmp_path, "small", kills=3)
    assert found.wrong == []
    assert found.kills == 3
    assert found.outages > 0
    assert found.unknown == {"calm": 0, "killed": 0}  # no death was longer than `stale_after`
