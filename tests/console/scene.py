"""Decides how a console is reached: a daemon with two users and a past, and forms as a browser sends them."""

import base64
import http.client
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.declare.listener import Listener
from tests.declare.office import TARGET, Office
from tests.lab import wait_until
from tests.lab.daemon import Daemon, states
from tests.web.api.past import fed
from tests.web.place import ALICE, BOB, Place

FAST = {
    "interval": "1s",
    "timeout": "900ms",
    "confirm": {"failures": 3, "interval": "100ms"},
    "recover": {"successes": 2, "interval": "100ms"},
    "pulse": "off",
}
User = tuple[str, str]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Any
    body: str

    @property
    def text(self) -> str:
        """What a person reads, in one line."""
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", self.body)).split())

    def field(self, name: str) -> str:
        """The value of an input."""
        found = re.search(rf'<input[^>]* name="{name}"[^>]* value="([^"]*)"', self.body)
        assert found is not None, f"there is no field {name}"
        return unescape(found[1])


@dataclass
class Scene:
    daemon: Daemon
    listener: Listener
    month: str

    def ask(self, method: str, path: str, user: User | None, body: str = "", **headers: str) -> Answer:
        connection = http.client.HTTPConnection(urlsplit(self.daemon.url).netloc, timeout=20)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if user is not None:
            sent["Authorization"] = f"Basic {base64.b64encode(':'.join(user).encode()).decode()}"
        try:
            connection.request(method, path, body.encode() or None, sent)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read().decode())
        finally:
            connection.close()

    def get(self, path: str, user: User | None = ALICE) -> Answer:
        return self.ask("GET", f"/console/{path}", user)

    def post(self, path: str, user: User, form: dict[str, str], **headers: str) -> Answer:
        kind = {"Content_Type": "application/x-www-form-urlencoded", **headers}
        return self.ask("POST", f"/console/{path}", user, urlencode(form), **kind)

    def send(self, path: str, user: User, page: Answer | None = None, /, **form: str) -> Answer:
        """As the form of a page does it: with its token, and what it has seen."""
        page = page or self.get(path, user)
        known = {name: page.field(name) for name in ("token", "seen") if f'name="{name}"' in page.body}
        return self.post(path, user, {**known, **form})

    def done(self, path: str, user: User, **form: str) -> str:
        """Preview and declare; where the browser is sent."""
        preview = self.send(path, user, act="preview", **form)
        assert preview.status == 200, preview.text
        declared = self.send(path, user, preview, act="declare", **form)
        assert declared.status == 303, declared.text
        return str(declared.headers["Location"])

    def followed(self, answer: Answer, user: User = ALICE) -> Answer:
        """The page that a browser goes on to; where it leads is relative to the address, whatever stands before."""
        assert answer.status == 303, answer.text
        return self.get(answer.headers["Location"].lstrip("./"), user)

    def figures(self) -> Any:
        [service] = self.daemon.ask("sla")["services"]
        return service


@contextmanager
def scene_of(place: Path, **sections: Any) -> Iterator[Scene]:
    """It has had an outage, which is over; `sections` are more of its configuration."""
    with Listener() as listener:
        office = Office(place, None, listener.port, FAST)
        made = Place(place)
        made.web(basic_auth_users=made.users)
        document = json.loads(office.configuration.read_text(encoding="utf-8"))
        document["web"]["config_file"] = "web.yml"
        document.update(sections)
        office.configuration.write_text(json.dumps(document), encoding="utf-8")
        month = fed(office)
        with Daemon(office.configuration, office.port) as daemon:
            scene = Scene(daemon, listener, month)
            for well, state in ((True, "up"), (False, "down"), (True, "up")):
                listener.well = well
                wait_until(partial(_is, daemon, state), f"it to be {state}", seconds=30)
            wait_until(lambda: daemon.ask("outages")["outages"][-1]["end"] is not None, "the outage to end")
            yield scene


def _is(daemon: Daemon, state: str) -> bool:
    return states(daemon)[TARGET] == state


__all__ = ["ALICE", "BOB", "Answer", "Scene", "scene_of"]
