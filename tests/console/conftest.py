"""Gives these tests one daemon with a console."""

from collections.abc import Iterator

import pytest

from tests.console.scene import Scene, scene_of


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene_of(tmp_path_factory.mktemp("console")) as made:
        yield made
