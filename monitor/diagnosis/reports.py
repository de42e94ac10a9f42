"""Reports at a month's closing: whether they could be written, which else is seen a month from now."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from monitor.diagnosis.findings import Finding, fail, ok, warn
from monitor.report.rendering import NoTypesetterError, TypesettingError, typeset
from monitor.settings import Settings

CHECK = "reports"


def reports(settings: Settings) -> Iterator[Finding]:
    section = settings.report
    if section.directory is None:
        return
    yield _directory(section.directory, settings.ledger.path)
    if "pdf" in section.formats:
        try:
            typeset(b"<!doctype html><p>1")
        except (NoTypesetterError, TypesettingError) as error:
            yield fail(CHECK, str(error), "or leave pdf out of report.formats")
        else:
            yield ok(CHECK, "PDF can be set")


def _directory(directory: Path, ledger: Path) -> Finding:
    """Who owns the ledger is whom the daemon runs as."""
    there = next(place for place in (directory, *directory.parents) if place.exists())
    if not there.is_dir():
        return fail(CHECK, f"{there} is no directory", "name another in report.directory")
    if not ledger.exists():
        return warn(CHECK, f"whether {directory} can be written cannot be told", "start the daemon")
    daemon = ledger.stat()
    if not _may_write(there.stat(), daemon.st_uid, daemon.st_gid):
        what = f"{there} cannot be written by the user that the daemon runs as ({daemon.st_uid})"
        return fail(CHECK, what, f"chown {daemon.st_uid} {directory}, and allow it to the unit: ReadWritePaths=")
    return ok(CHECK, f"{directory} can be written")


def _may_write(found: os.stat_result, user: int, group: int) -> bool:
    if user in {0, found.st_uid}:
        return user == 0 or bool(found.st_mode & stat.S_IWUSR)
    return bool(found.st_mode & (stat.S_IWGRP if group == found.st_gid else stat.S_IWOTH))
