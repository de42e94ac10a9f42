"""Text of results: wrapped as the rest of the documents is."""

from textwrap import fill


def paragraph(*sentences: str) -> str:
    return fill(" ".join(sentences), 116, break_long_words=False, break_on_hyphens=False)


def item(*sentences: str) -> str:
    return paragraph("*", *sentences).replace("\n", "\n  ")
