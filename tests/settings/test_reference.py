"""docs/CONFIGURATION.md is what the models say."""

from pathlib import Path

from monitor.settings import LISTS, SECTIONS
from monitor.settings.reference import reference
from probes import REGISTRY

COMMITTED = Path(__file__).parents[2] / "docs" / "CONFIGURATION.md"


def test_the_committed_reference_is_the_generated_one() -> None:
    assert COMMITTED.read_text() == reference(), "run: python -m monitor.settings.reference > docs/CONFIGURATION.md"


def test_the_reference_names_every_key_of_the_file_and_every_type_of_probe() -> None:
    text = reference()

    assert [key for key in (*SECTIONS, *LISTS) if f"`{key}`" not in text] == []
    assert [kind for kind in REGISTRY if f"### `type: {kind}`" not in text] == []


def test_every_key_of_the_reference_has_a_meaning() -> None:
    rows = [line for line in reference().splitlines() if line.startswith("| `")]

    assert rows
    assert [row for row in rows if row.endswith("|  |")] == []
