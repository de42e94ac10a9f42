"""The browser's process: one request as a line of JSON in, its progress as lines of JSON out.

It ends, and Chromium with it, as soon as nobody is there to read: whoever asked has only to close the connection.
"""

import argparse
import ctypes
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

from probes.processes import kill_below

_MAX_REQUEST = 1 << 20
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER: what loses its parent below this process becomes its child


def report(**told: Any) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def _unusable(executable: Path) -> str | None:
    """Why there is no browser, and what to do about it."""
    try:
        import playwright.sync_api  # noqa: F401, PLC0415 - an extra
    except ImportError:
        return "no Playwright here: install the package mailuptime-browser, or pip install 'mailuptime[browser]'"
    if not os.access(executable, os.X_OK):
        return f"no browser at {executable}: apt install chromium, or set browser.executable"
    return None


def _end() -> None:
    kill_below(os.getpid())
    os._exit(0)


def _watch() -> None:
    """Wait for the end of the input."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    _end()


def work(executable: Path) -> int:
    """Serve one request from standard input. Does not return once a browser may run."""
    line = b""
    while not line.endswith(b"\n") and len(line) < _MAX_REQUEST:
        if not (more := os.read(sys.stdin.fileno(), 65536)):
            return 0
        line += more
    try:
        request = json.loads(line)
    except ValueError:
        report(failure="browser", reply="the request is no JSON")
        return 65
    ctypes.CDLL(None, use_errno=True).prctl(_SUBREAPER, 1, 0, 0, 0)
    threading.Thread(target=_watch, daemon=True).start()
    try:
        if problem := _unusable(executable):
            report(failure="browser", reply=problem)
        else:
            from probes.browser_pages import visit  # noqa: PLC0415 - needs the extra

            visit(request, executable, report)
    except BrokenPipeError:
        pass
    finally:
        _end()
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="browser-worker", description=__doc__)
    parser.add_argument("--executable", type=Path, required=True, help="the browser's program")
    sys.exit(work(parser.parse_args().executable))
