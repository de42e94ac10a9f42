"""A report in the format that was asked for, as bytes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Literal, get_args

from monitor.report.document import document_of
from monitor.report.model import Report
from monitor.report.page import page_of
from monitor.report.sheet import sheet_of
from monitor.texts import Language

Format = Literal["html", "pdf", "csv", "json"]
FORMATS: tuple[Format, ...] = get_args(Format)
DEADLINE = 300.0
"""Seconds for one PDF; 320 agencies take ten."""
HOW = "install the package mailuptime-browser, or pip install 'mailuptime[pdf]' and apt install libpangoft2-1.0-0"
_TYPESETTER = Path(__file__).with_name("typesetter.py")
_INHERITED = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "TZ", "XDG_CACHE_HOME")
"""What of the environment the typesetter gets: it reads what others wrote, and no `{env: NAME}` secret is in it."""
_NOT_INSTALLED = 69  # typesetter.NOT_INSTALLED, which is a program of its own


class NoTypesetterError(Exception):
    """PDF cannot be set here, since what it needs is not installed; the text is one line with what to install."""


class TypesettingError(Exception):
    """The typesetter failed; the text is one line."""


def rendered(report: Report, language: Language, format: Format) -> bytes:  # noqa: A002 - as the command has it
    """Raises NoTypesetterError and TypesettingError, for PDF."""
    if format == "json":
        return (json.dumps(document_of(report, language), indent=2, ensure_ascii=False) + "\n").encode()
    if format == "csv":
        return sheet_of(report, language).encode()
    page = page_of(report, language).encode()
    return page if format == "html" else typeset(page)


def typeset(page: bytes, deadline: float = DEADLINE) -> bytes:
    """A page as PDF, set by a process of its own. Raises as `rendered`."""
    try:
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-I", str(_TYPESETTER)],
            input=page, capture_output=True, timeout=deadline, check=False,
            env={name: os.environ[name] for name in _INHERITED if name in os.environ},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise TypesettingError(f"the PDF was not set within {deadline:.0f} s") from None
    except OSError as error:
        raise TypesettingError(f"the PDF could not be set: {error.strerror or error}") from None
    if done.returncode == _NOT_INSTALLED:
        raise NoTypesetterError(f"PDF needs WeasyPrint, which is not installed or cannot be loaded; {HOW}")
    if done.returncode or not done.stdout:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise TypesettingError(f"the PDF could not be set: {said[-1][:200] if said else f'status {done.returncode}'}")
    return done.stdout
