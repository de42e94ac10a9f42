"""Gives these tests one daemon with a past."""

from collections.abc import Iterator

import pytest

from tests.web.api.past import Past, past_of


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    """For reading alone."""
    with past_of(tmp_path_factory.mktemp("past")) as made:
        yield made
