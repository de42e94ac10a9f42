"""Decides how a server behaves that repeats all it hears: in the clear, decoded, under wrong tags, in odd places."""

import base64
import binascii
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import unquote_plus

Replies = Callable[[str], str]
"""What is answered to a line; nothing ends the connection."""


def decoded(line: str) -> str:
    """The line with what is base64 in it made readable."""
    found = []
    for word in line.split():
        try:
            found.append(base64.b64decode(word, validate=True).decode("latin-1").replace("\0", " "))
        except (binascii.Error, ValueError):
            found.append(word)
    return " ".join(found)


def smtp(line: str) -> str:
    if line.upper().startswith("EHLO"):
        return "250-parrot\r\n250 AUTH PLAIN LOGIN\r\n"
    if line.upper() == "AUTH LOGIN":
        return "334 VXNlcm5hbWU6\r\n"
    return f"535-5.7.8 you said {line}\r\n535 5.7.8 that is {decoded(line)}\r\n"


def imap(line: str) -> str:
    tag, _, command = line.partition(" ")
    if command.upper().startswith("CAPABILITY"):
        return f"* CAPABILITY IMAP4rev1\r\n{tag} OK done\r\n"
    return f"* NO [ALERT] you said {line}\r\n{tag} NO [AUTHENTICATIONFAILED] you said {line}\r\n"


def imap_with_wrong_tags(line: str) -> str:
    tag, _, command = line.partition(" ")
    if command.upper().startswith("CAPABILITY"):
        return f"* CAPABILITY IMAP4rev1\r\n{tag} OK done\r\n"
    return f"ZZZ9 OK you said {line}\r\n{line}\r\n* BYE {line}\r\n"


def pop3(line: str) -> str:
    if line.upper() == "CAPA":
        return "+OK\r\nUSER\r\nSASL PLAIN\r\n.\r\n"
    return "+OK\r\n" if line.upper().startswith("USER") else f"-ERR [AUTH] you said {line} that is {decoded(line)}\r\n"


@contextmanager
def speaking(greeting: str, replies: Replies) -> Iterator[int]:
    """The port where such a server listens."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            try:
                self.wfile.write(greeting.encode())
                for line in self.rfile:
                    self.wfile.write(replies(line.decode("latin-1").rstrip("\r\n")).encode("latin-1", "replace"))
            except OSError:
                pass

    with _serving(Handler) as port:
        yield port


@contextmanager
def web() -> Iterator[int]:
    """A log-in page that shows what was posted, in its body, its headers and where it leads."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with suppress(OSError, ValueError):
                self._one()

        def _one(self) -> None:
            length = 0
            while (line := self.rfile.readline().strip()) != b"":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            said = self.rfile.read(length).decode("latin-1")
            page = (
                f"<html><body>you said {said}, that is {unquote_plus(said)}<form method=post action='/?{said}'>"
                "<input name=_user><input name=_pass type=password><input type=submit></form></body></html>"
            ).encode()
            head = (
                f"HTTP/1.1 200 OK\r\nX-Said: {said}\r\nSet-Cookie: said={said}\r\nContent-Length: {len(page)}\r\n\r\n"
            )
            self.wfile.write(head.encode("latin-1", "replace") + page)

    with _serving(Handler) as port:
        yield port


@contextmanager
def _serving(handler: type[socketserver.BaseRequestHandler]) -> Iterator[int]:
    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
