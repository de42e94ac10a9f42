"""A web configuration that could not be read for a reason that is not in its files is tried again by itself."""

import errno
from pathlib import Path

import pytest

from monitor.web.access import AGAIN, Access, terms_of
from tests.web.place import Place


def test_what_could_not_be_read_is_read_a_minute_later_though_no_file_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, now = Place(tmp_path), 1000.0
    held = Access(terms_of(place.web(basic_auth_users=place.users)), lambda: now)
    before = set(held.current().users)
    place.web(basic_auth_users={"carol": place.users["bob"]})

    def exhausted(_path: Path, _mode: str) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as short:
        short.setattr(Path, "open", exhausted)
        assert set(held.current().users) == before
    assert set(held.current().users) == before
    now += AGAIN
    assert set(held.current().users) == {"carol"}
