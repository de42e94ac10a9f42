"""What people read in reports and on pages, in Thai and in English: one catalogue a language, complete in both.

A catalogue is the sum of the TOML files in the language's folder; a text's key is the file's name, the tables and the
name within, joined by dots: `common.availability` stands in `common.toml`. `{name}` stands for a value.
"""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Literal, get_args

Language = Literal["th", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)


class Texts:
    """One language's texts: `texts("common.minutes", minutes=216)`.

    Raises KeyError for a key that the catalogue has not and for a value that the text needs and did not get: both are
    mistakes of the program, and found by tests.
    """

    def __init__(self, language: Language, texts: Mapping[str, str]) -> None:
        self.language = language
        self._texts = texts

    def __call__(self, key: str, **values: object) -> str:
        return self._texts[key].format(**values)

    def __contains__(self, key: str) -> bool:
        return key in self._texts

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)


@cache
def of(language: Language) -> Texts:
    folder = resources.files(__name__) / language
    texts: dict[str, str] = {}
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            texts.update(_flat(file.name.removesuffix(".toml"), tomllib.loads(file.read_text(encoding="utf-8"))))
    return Texts(language, texts)


def _flat(prefix: str, table: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(f"{prefix}.{name}", value)
        else:
            yield f"{prefix}.{name}", str(value)
