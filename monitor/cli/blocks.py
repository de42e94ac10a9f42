"""Checks on a terminal: a block each, long lines folded within their column."""

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from monitor.figures import Document
from monitor.ladder import LABEL, headline, rows

VERDICTS = {"up": "bold green", "down": "bold red", "unknown": "bold magenta"}
TONES = {"plain": "", "bad": "red", "dim": "dim"}


def show(documents: list[Document]) -> None:
    console = Console(highlight=False, markup=False, emoji=False)
    for document in documents:
        console.print(block(document))


def block(document: Document) -> RenderableType:
    """The verdict, and under it a row for everything that is known."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(min_width=LABEL + 2, no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    for row in rows(document):
        style = "bold" if row.label == "hint" else TONES[row.tone]
        grid.add_row(f"  {row.label}", Text(row.text, style))
    return Group(Text(headline(document), VERDICTS[document["outcome"]], overflow="fold"), grid)
