"""A mail server of a few lines, whose outages are switched on and off."""

import socketserver
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

from tests.lab.ports import HOST


class Listener:
    """Speaks enough SMTP for a check while `well`; otherwise it hangs up at once. Use as a context manager."""

    def __init__(self) -> None:
        self.well = True
        listener = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                if listener.well:
                    with suppress(ConnectionError):
                        self._serve()

            def _serve(self) -> None:
                self.wfile.write(b"220 mail.example.org ESMTP\r\n")
                for line in self.rfile:
                    verb = line.strip().upper()
                    self.wfile.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 mail.example.org\r\n")
                    if verb == b"QUIT":
                        return

        self._server = socketserver.ThreadingTCPServer((HOST, 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def port(self) -> int:
        port: int = self._server.server_address[1]
        return port

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
