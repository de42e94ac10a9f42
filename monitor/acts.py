"""What every desk has in common: acts that are refused, and answers that say what to record."""

from dataclasses import dataclass
from typing import Any

from monitor.figures import Document
from monitor.ledger import Fact
from monitor.preview import Preview


class RefusedActError(Exception):
    """A request that is refused; the text is one line, or several. `code` says why to a program, if that is known."""

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class Answer:
    """What to record, and what to say; what `preview` comes to belongs to what is said, as `would_excuse`."""

    facts: tuple[Fact, ...]
    document: Document
    preview: Preview | None = None


def text_of(request: dict[str, Any], key: str) -> str:
    """What must be given, as text."""
    value = request.get(key)
    if not isinstance(value, str) or not value.strip():
        raise RefusedActError(f"{key} is required")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise RefusedActError(f"{key} is not text in UTF-8") from None
    return value.strip()  # a blank more does not make it another person
