"""Hands one message to Apprise: a program of its own, which the daemon starts, waits for and kills.

Apprise blocks, and a receiver that answers one byte a minute holds it for ever: a thread could not be ended. It reads
one JSON object from standard input, so that no URL stands in a command line, and says on standard output what came of
it: `sent`, or one line why not. With no body it only says whether Apprise understands the URL.
"""

import json
import logging
import re
import sys

_STATUS = re.compile(r"error=(\d{3})\b")


class _Reason(logging.Handler):
    """Keeps of Apprise's words what holds no secret: an HTTP status, or that there was no connection."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.found = "not sent"

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        status = _STATUS.search(text)
        if status:
            self.found = f"answered {status[1]}"
        elif "onnection error" in text:
            self.found = "no connection"


def main() -> str:
    import apprise  # noqa: PLC0415 - an extra

    given = json.load(sys.stdin)
    reason = _Reason()
    logger = logging.getLogger("apprise")
    logger.handlers, logger.propagate = [reason], False
    asset = apprise.AppriseAsset(app_id="mailuptime", app_desc="mailuptime", app_url="", storage_mode="memory")
    service = apprise.Apprise.instantiate(given["url"], asset=asset)
    if service is None:
        return "not understood"
    if "body" not in given:
        return "understood"
    sent = service.notify(title=given["title"], body=given["body"], notify_type=given["kind"])
    return "sent" if sent else reason.found


if __name__ == "__main__":
    print(main())  # noqa: T201 - its answer
