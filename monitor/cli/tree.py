"""The commands and their options, as the parser knows them, for what is generated from it."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Command:
    """One command; `path` is empty for the program itself, `children` are those that follow it, with what they do."""

    path: tuple[str, ...]
    parser: argparse.ArgumentParser
    help: str
    children: dict[str, str]

    @property
    def options(self) -> list[argparse.Action]:
        return [action for action in self.parser._actions if action.option_strings]  # noqa: SLF001 - no public way

    @property
    def arguments(self) -> list[argparse.Action]:
        """What stands without a dash, commands apart."""
        actions = self.parser._actions  # noqa: SLF001
        return [action for action in actions if not action.option_strings and not _chooses(action)]


def commands(parser: argparse.ArgumentParser, path: tuple[str, ...] = (), text: str = "") -> Iterator[Command]:
    """The program itself, then every command, each before those below it."""
    choosing: list[Any] = [action for action in parser._actions if _chooses(action)]  # noqa: SLF001
    children = {child.dest: child.help or "" for action in choosing for child in action._choices_actions}  # noqa: SLF001
    yield Command(path, parser, text, children)
    for action in choosing:
        for name, inner in action.choices.items():
            yield from commands(inner, (*path, name), children[name])


def takes_value(action: argparse.Action) -> bool:
    return action.nargs != 0


def takes_file(action: argparse.Action) -> bool:
    return action.type is Path or str(action.metavar).endswith(".jsonl")


def _chooses(action: argparse.Action) -> bool:
    return isinstance(action, argparse._SubParsersAction)  # noqa: SLF001
