"""Modules of `/probe`: what comes with the program, what the file changes of it, and what can be none."""

from pathlib import Path
from typing import Any, ClassVar

import pytest

from monitor.settings import ConfigurationError, load
from monitor.settings.modules import BUILT_IN
from probes import REGISTRY
from probes.base import Options

SERVICES = "services: [{name: mail, targets: [{name: imap, type: imap, host: imap.example.go.th}]}]\n"


class Wandering(Options):
    """Of a probe that has a browser."""

    host: str
    browser: str | None = None


class Hostless(Options):
    """Of a probe that refers to other targets."""

    submit: str


class Fake:
    protocol: ClassVar[str] = "fake"

    def __init__(self, options: type[Options]) -> None:
        self.Options = options

    def __call__(self, options: Any, /) -> Any:
        raise NotImplementedError


def problems(place: Path, modules: str, **types: Any) -> list[str]:
    file = place / "mailuptime.yaml"
    file.write_text(SERVICES + modules)
    with pytest.raises(ConfigurationError) as caught:
        load(file, {**REGISTRY, **types})
    return [str(problem).removeprefix(f"{file}:") for problem in caught.value.problems]


def test_those_that_come_with_the_program_are_there_and_one_of_the_file_goes_first(tmp_path: Path) -> None:
    file = tmp_path / "mailuptime.yaml"
    file.write_text(SERVICES + "modules: {imaps_banner: {type: imap, timeout: 3s}, mine: {type: tcp, tls: implicit}}\n")
    modules = load(file).modules
    assert set(modules) == {*BUILT_IN, "mine"}
    assert (modules["imaps_banner"].depth, modules["imaps_banner"].timeout) == ("full", 3_000_000)
    assert (modules["pop3s_banner"].depth, modules["pop3s_banner"].timeout) == ("banner", None)


def test_a_host_that_stood_in_while_a_module_was_validated_is_not_left_in_it(tmp_path: Path) -> None:
    file = tmp_path / "mailuptime.yaml"
    file.write_text(SERVICES + "modules: {web: {type: webmail}, port: {type: tcp, port: 25}}\n")
    modules = load(file).modules
    assert [name for name, one in modules.items() if {"host", "url"} & one.options.keys()] == []
    assert "port" not in modules["tcp_connect"].options
    assert modules["port"].options["port"] == 25


def test_a_module_has_no_browser_since_nothing_would_hold_it_to_the_allow_list(tmp_path: Path) -> None:
    (said,) = problems(tmp_path, "modules: {web: {type: fake, browser: chromium}}\n", fake=Fake(Wandering))
    assert said.startswith("2:29: modules.web.browser: a browser connects where it likes")


def test_a_type_without_a_host_can_be_no_module(tmp_path: Path) -> None:
    (said,) = problems(tmp_path, "modules: {loop: {type: fake, submit: a}}\n", fake=Fake(Hostless))
    assert said == "2:24: modules.loop.type: a module cannot be of type fake: it has no host of its own"
