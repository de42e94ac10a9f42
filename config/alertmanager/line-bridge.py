#!/usr/bin/python3
"""Passes Alertmanager's webhook on to LINE's Messaging API as a push message.

    LINE_TO=U0123… LINE_TOKEN_FILE=/etc/alertmanager/secrets/line-channel-token \
    BRIDGE_TOKEN_FILE=/etc/alertmanager/secrets/line-token line-bridge.py 127.0.0.1:9926

LINE_TO is the id of a user, group or room that the channel's bot is in. LINE_TOKEN_FILE has the channel access token,
BRIDGE_TOKEN_FILE what Alertmanager must show. Needs nothing but Python. Answers 502 where LINE does not accept the
message, so that Alertmanager tries again; the retry key keeps LINE from delivering one twice.
"""

import hmac
import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

API = os.environ.get("LINE_API", "https://api.line.me") + "/v2/bot/message/push"
LONGEST_TEXT = 5000  # of a text message, by LINE's reference
LONGEST_BODY = 1 << 20
TIMEOUT = 10.0  # seconds
RETRIED_FOR = 1800  # seconds
ALREADY_ACCEPTED = 409  # LINE's answer to a retry key that it has seen


def text_of(payload: dict) -> str:
    """What people read: one paragraph an alert."""
    paragraphs = []
    for alert in payload["alerts"]:
        said = alert["annotations"]
        lines = [f"[{alert['status'].upper()}] {said.get('summary', alert['labels']['alertname'])}"]
        lines += [said[key] for key in ("description", "budget", "runbook_url") if key in said]
        paragraphs.append("\n".join(lines))
    return "\n\n".join(paragraphs)[:LONGEST_TEXT]


def retry_key(payload: dict) -> str:
    """The same for attempts at one notification within half an hour; a repeated one later is to be delivered again."""
    alerts = [(one.get("fingerprint"), one["status"], one.get("startsAt")) for one in payload["alerts"]]
    told = [payload.get("groupKey"), alerts, int(time.time() // RETRIED_FOR)]
    return str(uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(told)))


def push(payload: dict) -> int:
    """LINE's status, or 502 where it cannot be reached."""
    body = {"to": os.environ["LINE_TO"], "messages": [{"type": "text", "text": text_of(payload)}]}
    headers = {
        "Authorization": "Bearer " + secret("LINE_TOKEN_FILE"),
        "Content-Type": "application/json",
        "X-Line-Retry-Key": retry_key(payload),
    }
    request = urllib.request.Request(API, json.dumps(body).encode(), headers)  # noqa: S310 - the operator's own
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310
            return response.status
    except urllib.error.HTTPError as error:
        return 200 if error.code == ALREADY_ACCEPTED else error.code
    except OSError:
        return 502


def secret(variable: str) -> str:
    return Path(os.environ[variable]).read_text(encoding="utf-8").strip()


class Bridge(BaseHTTPRequestHandler):
    timeout = TIMEOUT

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LONGEST_BODY:
            self.send_error(413)
            return
        body = self.rfile.read(int(length))
        shown = self.headers.get("Authorization", "").encode()
        if hmac.compare_digest(shown, b"Bearer " + secret("BRIDGE_TOKEN_FILE").encode()):
            self._pass_on(body)
        else:
            self.send_error(401)

    def _pass_on(self, body: bytes) -> None:
        try:
            status = push(json.loads(body))
        except (ValueError, KeyError, TypeError):
            self.send_error(400)
            return
        if status != 200:
            self.log_error("LINE answered %d", status)
        self.send_response(200 if status == 200 else 502)
        self.send_header("Content-Length", "0")
        self.end_headers()


def main() -> None:
    host, _, port = (sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:9926").rpartition(":")
    with ThreadingHTTPServer((host, int(port)), Bridge) as server:
        print(f"listening on {host}:{server.server_port}", file=sys.stderr, flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
