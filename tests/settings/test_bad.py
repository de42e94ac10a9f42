"""A museum of bad configurations: each file breaks one rule, and beside it stands what must be said about it."""

from pathlib import Path

import pytest

from monitor.settings import ConfigurationError, load
from probes import REGISTRY
from probes.base import ProbeType

BAD = Path(__file__).parent / "bad"
TYPES = {name: REGISTRY[name] for name in ("imap", "smtp", "webmail")}  # so that a new probe changes no text here
ROUNDTRIPS = TYPES | {name: REGISTRY[name] for name in ("submission", "pop3", "roundtrip")}
FILES = sorted(BAD.glob("*.yaml"))


def types(file: Path) -> dict[str, ProbeType]:
    return ROUNDTRIPS if file.stem.startswith("roundtrip-") else TYPES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_bad_configuration_is_refused_in_exactly_these_words(file: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(file, types(file))

    said = [str(problem).replace(f"{BAD}/", "") for problem in caught.value.problems]

    assert said == file.with_suffix(".expected").read_text().splitlines()


def test_every_piece_of_the_museum_has_its_text() -> None:
    assert FILES
    assert {file.stem for file in FILES} == {file.stem for file in BAD.glob("*.expected")}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_no_problem_shows_a_password(file: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(file, types(file))

    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(caught.value.problems)


def test_problems_come_in_the_order_of_the_file() -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(BAD / "many-at-once.yaml", TYPES)

    lines = [problem.line or 0 for problem in caught.value.problems]

    assert len(lines) > 4
    assert lines == sorted(lines)


def test_a_missing_file_is_one_problem_without_a_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path / "none.yaml")

    assert str(caught.value) == f"{tmp_path / 'none.yaml'}: No such file or directory; name the configuration with -c"


def test_a_directory_is_one_problem_without_a_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path)

    assert str(caught.value) == f"{tmp_path}: Is a directory; name the configuration with -c"


def test_a_file_that_is_far_too_large_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "large.yaml"
    with file.open("wb") as sparse:
        sparse.truncate(17 * 1024 * 1024)

    with pytest.raises(ConfigurationError) as caught:
        load(file)

    assert str(caught.value) == f"{file}: more than 16 MiB are no configuration"


def test_a_key_cannot_forge_a_line_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "forged.yaml"
    file.write_text('"sla\\nforged.yaml:1:1: all is well": {}\nservices: []\n')

    with pytest.raises(ConfigurationError) as caught:
        load(file)

    assert len(str(caught.value).splitlines()) == len(caught.value.problems) == 2
