"""A password that no place may show, against servers that repeat all they hear: every place is searched for it."""

import base64
import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from tests.e2e.commands import mailuptime
from tests.lab.configuration import free_port
from tests.lab.daemon import Daemon
from tests.lab.processes import wait_until
from tests.secrecy import parrots

CANARY = "c4nary&secret+ยาม%7"
USER = "probe@parrot.example"
PATIENCE_S = 60.0


def disguises() -> list[bytes]:
    """All that the password looks like on the wire."""
    plain = CANARY.encode()
    tokens = [plain, b"\0" + USER.encode() + b"\0" + plain]
    encoded = [base64.b64encode(one).rstrip(b"=") for one in tokens]
    encoded += [base64.b64encode(b"x" * shift + plain)[4 * (shift > 0) : -4] for shift in range(3)]
    quoted = [quote(CANARY).encode(), quote_plus(CANARY).encode()]
    escaped = [
        json.dumps(CANARY).strip('"').encode(),
        CANARY.encode("unicode_escape"),
        repr(CANARY).strip("'").encode(),
    ]
    return [one for one in {plain, plain[:12], plain.hex().encode(), *encoded, *quoted, *escaped} if len(one) > 7]


def found_in(data: bytes | str) -> list[bytes]:
    text = data.encode() if isinstance(data, str) else data
    return [one for one in disguises() if one in text]


@dataclass(frozen=True)
class Scene:
    configuration: Path
    daemon: Daemon
    http: int

    def pages(self) -> Iterator[tuple[str, str]]:
        paths = [
            "/", "/metrics", "/-/ready", "/api/v1/services", "/api/v1/outages", "/nothing",
            *(f"/probe?target={target}&module={module}&debug=true" for module, target in self.modules()),
            *(f"/probe?target={target}&module={module}" for module, target in self.modules()),
        ]  # fmt: skip
        for path in paths:
            yield path, self.daemon.get(path)[1]
        for what in ("sla", "outages", "status", "condition", "declarations"):
            yield what, json.dumps(self.daemon.ask(what), ensure_ascii=False)

    def modules(self) -> Iterator[tuple[str, str]]:
        document = json.loads(self.configuration.read_text())
        for target in document["services"][0]["targets"]:
            if "port" in target:
                yield target["name"], f"127.0.0.1:{target['port']}"


def targets(stack: ExitStack, password: Path) -> list[dict[str, object]]:
    login = {"password": {"file": str(password)}}
    made: list[dict[str, object]] = []
    for name, kind, greeting, replies, more in (
        ("smtp", "submission", "220 parrot\r\n", parrots.smtp, {}),
        ("smtp-login", "submission", "220 parrot\r\n", parrots.smtp, {"mechanism": "login"}),
        ("imap", "imap", "* OK parrot\r\n", parrots.imap, {}),
        ("imap-tags", "imap", "* OK parrot\r\n", parrots.imap_with_wrong_tags, {}),
        ("pop3", "pop3", "+OK parrot\r\n", parrots.pop3, {}),
        ("pop3-user", "pop3", "+OK parrot\r\n", parrots.pop3, {"mechanism": "user"}),
    ):
        port = stack.enter_context(parrots.speaking(greeting, replies))
        own = {"username": f"{name}@parrot", **login, **more}
        made.append({"name": name, "type": kind, "host": "127.0.0.1", "port": port, "tls": "none", "login": own})
    page = stack.enter_context(parrots.web())
    own = {"username": USER, **login}
    url = f"http://127.0.0.1:{page}/"
    made.append({"name": "webmail", "type": "webmail", "url": url, "tls": "none", "login": own})
    return made


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Every target has been checked, at the level that says most."""
    place, http_port = tmp_path_factory.mktemp("secrecy"), free_port()
    password = place / "password"
    password.write_text(CANARY, encoding="utf-8")
    password.chmod(0o600)
    with ExitStack() as stack:
        made = targets(stack, password)
        document = {
            "ledger": {"path": "ledger.db"},
            "control": {"socket": "control.sock"},
            "web": {"listen": f"127.0.0.1:{http_port}"},
            "log": {"level": "debug"},
            "defaults": {
                "interval": "2s",
                "timeout": "1500ms",
                "pulse": "off",
                "login_backoff": {"after": "1s", "max": "1s"},
            },
            "services": [{"name": "parrots", "targets": made}],
            "modules": {
                str(one["name"]): {key: one[key] for key in ("type", "tls", "login")} for one in made if "port" in one
            },
        }
        configuration = place / "mailuptime.yaml"
        configuration.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
        with Daemon(configuration, http_port) as daemon:
            wait_until(
                lambda: daemon.get("/-/ready")[0] == http.client.OK, "every target to be checked", seconds=PATIENCE_S
            )
            yield Scene(configuration, daemon, http_port)


def test_the_servers_do_repeat_the_password_and_the_search_would_find_it() -> None:
    for text in (
        CANARY,
        f"a {base64.b64encode(f'{chr(0)}{USER}{chr(0)}{CANARY}'.encode()).decode()}",
        quote_plus(CANARY),
    ):
        assert found_in(text)
    for replies in (parrots.smtp, parrots.imap, parrots.imap_with_wrong_tags, parrots.pop3):
        assert found_in(replies(f"A1 {CANARY}"))


def test_no_page_no_metric_and_no_document_shows_it(scene: Scene) -> None:
    seen = dict(scene.pages())
    assert {path: found for path, text in seen.items() if (found := found_in(text))} == {}
    assert any("you said" in text for text in seen.values())  # what servers answered is among it


@pytest.mark.parametrize(
    "command",
    [
        ("probe", "--transcript", "--force"), ("probe", "--format", "json", "--force"), ("watch", "--once"),
        ("outages", "--evidence"), ("outages", "--evidence", "--format", "json"), ("doctor",), ("check-config",),
    ],
    ids=" ".join,
)  # fmt: skip
def test_no_command_shows_it(command: tuple[str, ...], scene: Scene) -> None:
    done = mailuptime(command[0], "-c", scene.configuration, *command[1:])
    assert found_in(done.out + done.err) == []
    assert done.out
    assert "Traceback" not in done.err


def test_neither_the_log_nor_the_ledger_nor_what_stands_beside_it_shows_it(scene: Scene) -> None:
    place = scene.configuration.parent
    assert '"event": "check.done"' in scene.daemon.log.read_text()
    files = [path for path in place.rglob("*") if path.is_file() and path.name != "password"]
    assert {"ledger.db", "daemon.log"} <= {path.name for path in files}
    assert {path.name: found for path in files if (found := found_in(path.read_bytes()))} == {}


def test_no_process_shows_it_in_its_arguments_or_its_environment(scene: Scene) -> None:
    pid = int((scene.configuration.parent / "ledger.db.lock").read_text().split()[0])
    family = descendants(pid)
    for one in family:
        for name in ("cmdline", "environ"):
            assert found_in(Path(f"/proc/{one}/{name}").read_bytes()) == [], (one, name)
    assert pid in family


def test_neither_settings_nor_an_exception_with_them_print_it(scene: Scene) -> None:
    code = (
        "import sys; from pathlib import Path; from monitor.settings import load\n"
        "settings = load(Path(sys.argv[1])); settings.load_secrets(); print(repr(settings))\n"
        "raise ValueError(settings, [placed.secret for placed in settings.secrets])\n"
    )
    command = [sys.executable, "-c", code, str(scene.configuration)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert "Traceback" in done.stderr
    assert USER in done.stdout
    assert found_in(done.stdout + done.stderr) == []


def descendants(pid: int) -> list[int]:
    """A process and all below it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in descendants(int(child)))]
