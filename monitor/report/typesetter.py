"""Sets a page as PDF: a program of its own, which is started for one page, fed through a pipe and killed at a deadline.

HTML comes on standard input, PDF goes to standard output. Nothing is fetched: what the page needs is in it, and a
hostile text in it can name no file and no host. The same page gives the same bytes: its identifier is a digest of the
page, its dates are the page's own, whole fonts are embedded.
"""

import io
import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

NOT_INSTALLED = 69
FONTS = Path(__file__).parents[1] / "texts" / "fonts"
_GLYPH = re.compile(r"uni((?:[0-9A-F]{4})+)(?:\..*)?")
_NIKHAHIT = "\u0e4d"
_NICE = 10
"""The daemon's checks come first."""


def main() -> int:
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    with suppress(OSError):  # the unit's filter of system calls allows no change of priority
        os.nice(_NICE)
    try:
        from weasyprint import HTML  # noqa: PLC0415 - an extra
        from weasyprint.urls import URLFetcher  # noqa: PLC0415
    except (ImportError, OSError) as error:  # OSError: Pango is missing
        sys.stderr.write(f"{error}\n")
        return NOT_INSTALLED
    text = sys.stdin.buffer.read().decode()
    page = HTML(string=text, url_fetcher=URLFetcher(allowed_protocols={"data"}))
    identifier = sha256(text.encode()).digest()[:16]
    out = io.BytesIO()
    page.write_pdf(out, pdf_identifier=identifier, pdf_variant="pdf/a-3a", full_fonts=True, finisher=searchable)
    sys.stdout.buffer.write(out.getvalue())
    return 0


def searchable(_document: object, pdf: Any) -> None:
    """Say of Sarabun's variants of a letter which one it is, so that Thai can be searched for and copied.

    A whole font is embedded with what its own table of characters says, in which the narrow and small forms that stand
    over and below other letters are missing.
    """
    for font in pdf.objects:
        name = str(font.get("BaseFont", "")) if isinstance(font, dict) else ""
        file = FONTS / f"{'Sarabun-Bold' if 'Bold' in name else 'Sarabun-Regular'}.ttf"
        if "Sarabun" in name and "ToUnicode" in font:
            number = int(bytes(font["ToUnicode"]).split()[0])
            lines = [f"<{glyph:04x}> <{text.encode('utf-16-be').hex()}>".encode() for glyph, text in _variants(file)]
            stream = pdf.objects[number].stream
            at = stream.index(b"endcmap")
            stream[at:at] = [f"{len(lines)} beginbfchar".encode(), *lines, b"endbfchar"]


def _variants(file: Path) -> Iterator[tuple[int, str]]:
    """Number and text of each glyph that is named after Thai letters and that no character leads to."""
    from fontTools.ttLib import TTFont  # noqa: PLC0415 - comes with the extra

    font = TTFont(file)
    known = set(font.getBestCmap().values())
    for number, name in enumerate(font.getGlyphOrder()):
        found = _GLYPH.fullmatch(name)
        if found and name not in known:
            text = bytes.fromhex(found[1]).decode("utf-16-be")
            # A tone is written before the sara am that the ring is a part of, and drawn behind the ring.
            yield number, text[1:] + text[0] if text[0] == _NIKHAHIT else text


if __name__ == "__main__":
    sys.exit(main())
