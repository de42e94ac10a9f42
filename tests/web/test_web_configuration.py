"""TLS, client certificates and users in the format of Prometheus' exporters, as curl and Prometheus meet them."""

import http.client
import json
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from tests.deploy.prometheus import Prometheus
from tests.e2e.commands import assert_refused, mailuptime
from tests.lab import wait_until
from tests.lab.configuration import free_port
from tests.lab.daemon import Daemon
from tests.web.place import ALICE, BOB, Place


@dataclass(frozen=True)
class Answer:
    status: int  # of curl
    code: int
    headers: str
    body: str


def curl(url: str, *arguments: str | Path) -> Answer:
    command = ["curl", "-sS", "-m", "20", "-D", "-", "-w", "\n%{http_code}", *map(str, arguments), url]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    said, _, code = done.stdout.rpartition("\n")
    headers, _, body = said.partition("\n\n")
    return Answer(done.returncode, int(code or 0), headers.lower(), body)


def basic(user: tuple[str, str]) -> tuple[str, str]:
    return "-u", ":".join(user)


@dataclass
class Scene:
    place: Place
    daemon: Daemon
    port: int

    @property
    def secure(self) -> str:
        return f"https://localhost:{self.port}"

    def trusting(self, path: str, *arguments: str | Path) -> Answer:
        return curl(f"{self.secure}{path}", "--cacert", self.place.ca_file, *arguments)

    def said(self, event: str) -> list[dict[str, str]]:
        lines = self.daemon.log.read_text().splitlines()
        found = [json.loads(line) for line in lines if line.startswith("{")]
        return [line for line in found if line["event"] == event]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """TLS and two users."""
    place, port = Place(tmp_path), free_port()
    place.web(tls_server_config=place.tls, basic_auth_users=place.users)
    with Daemon(place.configuration(port), port) as daemon:
        yield Scene(place, daemon, port)


def test_a_user_reads_over_tls_and_reloads_and_the_log_says_who(scene: Scene) -> None:
    assert scene.trusting("/metrics", *basic(ALICE)).code == 200
    reloaded = scene.trusting("/-/reload", *basic(ALICE), "-X", "POST")
    assert (reloaded.code, reloaded.body) == (200, "reloaded\n")
    assert [line["who"] for line in scene.said("configuration.in_force")] == ["user alice from 127.0.0.1"]


def test_who_does_not_show_who_he_is_gets_nothing_and_is_not_told_which_part_was_wrong(scene: Scene) -> None:
    answers = [
        scene.trusting("/metrics"),
        scene.trusting("/-/healthy"),
        scene.trusting("/metrics", *basic(("alice", BOB[1]))),
        scene.trusting("/metrics", *basic(("mallory", ALICE[1]))),
        scene.trusting("/metrics", "-H", "Authorization: Basic !!"),
        scene.trusting("/-/reload", "-X", "POST"),
    ]
    assert {(one.code, one.body) for one in answers} == {(401, "user and password are asked for\n")}
    assert all("www-authenticate: basic" in one.headers for one in answers)
    assert scene.said("configuration.in_force") == []
    (said,) = scene.said("authentication.refused")
    assert (said["user"], said["peer"]) == ("alice", "127.0.0.1")
    assert "mallory" not in scene.daemon.log.read_text()


def test_a_page_of_another_site_cannot_have_a_browser_reload(scene: Scene) -> None:
    for header in ("Sec-Fetch-Site: cross-site", "Origin: https://evil.example", "Origin: null", "Origin: http://["):
        refused = scene.trusting("/-/reload", *basic(ALICE), "-X", "POST", "-H", header)
        assert (refused.code, refused.body) == (403, "a request from another site changes nothing\n")
    own = ("-H", "Sec-Fetch-Site: same-origin", "-H", f"Origin: {scene.secure}")
    assert scene.trusting("/-/reload", *basic(ALICE), "-X", "POST", *own).code == 200


def test_plain_http_and_an_unknown_authority_get_no_answer_and_the_daemon_goes_on(scene: Scene) -> None:
    assert curl(f"http://localhost:{scene.port}/metrics", *basic(ALICE)).code == 0
    assert curl(f"{scene.secure}/metrics", *basic(ALICE)).status == 60  # the certificate cannot be verified
    assert scene.trusting("/metrics", *basic(ALICE)).code == 200


def test_a_certificate_that_is_replaced_is_shown_from_the_next_connection_on(scene: Scene) -> None:
    def shown() -> str:
        context = ssl.create_default_context(cafile=str(scene.place.ca_file))
        plain = socket.create_connection(("127.0.0.1", scene.port))
        with plain, context.wrap_socket(plain, server_hostname="localhost") as secure:
            return str((secure.getpeercert() or {})["serialNumber"]).lstrip("0")

    before = shown()
    serial = scene.place.renew()
    assert shown() == serial != before


def test_what_cannot_be_read_any_more_leaves_everything_as_it_was_and_is_said_once(scene: Scene) -> None:
    scene.place.web(basic_auth_users={"alice": "no hash"})
    for _ in range(3):
        assert scene.trusting("/metrics", *basic(ALICE)).code == 200
    (said,) = scene.said("web_configuration.refused")
    assert "web.yml:1:" in said["problem"]
    assert "no hash" not in said["problem"]


def test_a_user_who_is_removed_is_out_at_once_also_on_an_open_connection(scene: Scene) -> None:
    context = ssl.create_default_context(cafile=str(scene.place.ca_file))
    connection = http.client.HTTPSConnection("localhost", scene.port, timeout=20, context=context)
    token = "Basic Ym9iOmEtcGFzc3dvcmQtb2YtYm9i"

    def status() -> int:
        connection.request("GET", "/-/healthy", headers={"Authorization": token})
        response = connection.getresponse()
        response.read()
        return response.status

    assert status() == 200
    users = scene.place.users
    del users["bob"]
    scene.place.web(tls_server_config=scene.place.tls, basic_auth_users=users)
    assert status() == 401
    connection.close()


def test_the_web_configuration_can_be_left_and_entered_at_a_reload(scene: Scene) -> None:
    scene.place.configuration(scene.port, web=False)
    assert scene.trusting("/-/reload", *basic(ALICE), "-X", "POST").code == 200
    plain = f"http://localhost:{scene.port}"
    assert curl(f"{plain}/metrics").code == 200
    refused = curl(f"{plain}/-/reload", "-X", "POST")
    assert (refused.code, refused.body.count("\n")) == (403, 1)
    assert "web.config_file" in refused.body
    scene.place.configuration(scene.port)
    done = mailuptime("reload", "-c", scene.daemon.configuration)
    assert (done.status, done.out, done.err) == (0, "reloaded\n", "")
    assert scene.trusting("/metrics", *basic(ALICE)).code == 200


def test_client_certificates_decide_who_comes_in_and_name_who_reloads(tmp_path: Path) -> None:
    place, port = Place(tmp_path), free_port()
    policy = {"client_auth_type": "RequireAndVerifyClientCert", "client_ca_file": "ca.pem"}
    place.web(
        tls_server_config={**place.tls, **policy, "client_allowed_sans": ["ops.example.go.th"], "min_version": "TLS13"},
        http_server_config={"headers": {"X-Frame-Options": "deny"}},
    )
    ops, others = place.client("ops.example.go.th"), place.client("others.example.go.th")
    strangers = place.client("strange.example.go.th", trustme.CA())
    with Daemon(place.configuration(port), port) as daemon:
        scene = Scene(place, daemon, port)
        came = scene.trusting("/metrics", "--cert", ops)
        assert (came.code, "x-frame-options: deny" in came.headers) == (200, True)
        assert scene.trusting("/metrics", "--cert", others).code == 403
        assert scene.trusting("/metrics", "--cert", strangers).code == 0
        assert scene.trusting("/metrics").code == 0
        assert scene.trusting("/metrics", "--cert", ops, "--tls-max", "1.2").code == 0
        assert scene.trusting("/-/reload", "--cert", ops, "-X", "POST").code == 200
        (said,) = scene.said("configuration.in_force")
        assert said["who"] == "certificate ops.example.go.th from 127.0.0.1"


def test_prometheus_scrapes_over_tls_as_a_user_and_not_with_a_wrong_password(scene: Scene, tmp_path: Path) -> None:
    def job(name: str, password: str) -> dict[str, object]:
        return {
            "job_name": name,
            "scheme": "https",
            "tls_config": {"ca_file": str(scene.place.ca_file), "server_name": "localhost"},
            "basic_auth": {"username": ALICE[0], "password": password},
            "static_configs": [{"targets": [f"127.0.0.1:{scene.port}"]}],
        }

    configuration = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "scrape_configs": [job("right", ALICE[1]), job("wrong", "guessed")],
    }
    with Prometheus.running(configuration, tmp_path / "prometheus") as prometheus:
        prometheus.wait_for('mailuptime_build_info{job="right"}')
        prometheus.wait_for('up{job="wrong"} == 0')
        assert prometheus.query('mailuptime_build_info{job="wrong"}') == []


def test_a_bad_web_configuration_is_refused_with_its_lines(tmp_path: Path) -> None:
    place, port = Place(tmp_path), free_port()
    configuration = place.configuration(port)
    for command in ("run", "check-config"):
        place.web(tls_server_config=place.tls | {"client_auth_type": "RequireAnyClientCert"})
        assert_refused(mailuptime(command, "-c", configuration), 78, "web.yml:1:", "RequireAndVerifyClientCert")
        place.web(tls_server_config=place.tls | {"key_file": "ca.pem"})
        assert_refused(mailuptime(command, "-c", configuration), 78, "web.yml:1:", "ca.pem")
    place.web(tls_server_config=place.tls)
    (tmp_path / "server.key").chmod(0o644)
    assert_refused(mailuptime("check-config", "-c", configuration), 78, "server.key", "chmod o-r")
    place.web(basic_auth_users=place.users).chmod(0o644)
    assert_refused(mailuptime("check-config", "-c", configuration), 78, "web.yml:1:", "chmod o-r")
    (tmp_path / "web.yml").unlink()
    assert_refused(mailuptime("check-config", "-c", configuration), 78, "web.yml: No such file", "config_file")


def test_a_rate_that_is_limited(tmp_path: Path) -> None:
    place, port = Place(tmp_path), free_port()
    place.web(rate_limit={"interval": "1h", "burst": 2})
    with Daemon(place.configuration(port), port) as daemon:
        assert [daemon.get("/-/healthy")[0] for _ in range(4)] == [200, 200, 429, 429]
        wait_until(lambda: daemon.ask("status") is not None, "the control socket, which has no such limit")
