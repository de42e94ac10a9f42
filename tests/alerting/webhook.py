"""A receiver of webhooks on the loopback that takes, refuses, or never answers."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.lab.ports import HOST


class Webhook:
    """`status` is what it answers; None: it takes the message and stays silent until the test ends."""

    def __init__(self) -> None:
        self.status: int | None = 200
        self.received: list[dict[str, Any]] = []
        self.over = threading.Event()
        self.url = ""

    def titles(self) -> list[str]:
        return [one["title"] for one in self.received]


@contextmanager
def webhook() -> Iterator[Webhook]:
    hook = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hook.received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            if hook.status is None:
                hook.over.wait()
                return
            self.send_response(hook.status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        server.daemon_threads = True
        hook.url = f"json://{HOST}:{server.server_port}/hook-s3cr3t"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield hook
        finally:
            hook.over.set()
            server.shutdown()
            thread.join()
