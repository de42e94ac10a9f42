"""Passwords: referred to in the file, read when asked for, never shown."""

import os
import pickle
from pathlib import Path
from typing import Any

import pytest

from monitor.settings import ConfigurationError, Settings, load
from monitor.settings.secrets import SecretError, SecretReference

PASSWORD = "correct horse battery staple"


def loaded(directory: Path, *passwords: str) -> Settings:
    file = directory / "mailuptime.yaml"
    targets = [
        f"      - {{name: t{index}, type: imap, host: mail.example.th, login: {{username: p, password: {password}}}}}\n"
        for index, password in enumerate(passwords)
    ]
    file.write_text(f"services:\n  - name: mail\n    targets:\n{''.join(targets)}")
    return load(file)


def password_of(settings: Settings, index: int = 0) -> Any:
    options: Any = settings.services[0].targets[index].options
    return options.login.password


def kept(directory: Path, text: str = PASSWORD + "\n", mode: int = 0o600) -> Path:
    path = directory / "password"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_password_is_read_from_a_file_without_its_line_end(tmp_path: Path) -> None:
    settings = loaded(tmp_path, f"{{file: {kept(tmp_path)}}}")

    settings.load_secrets()

    assert password_of(settings).reveal() == PASSWORD


def test_a_relative_password_file_stands_beside_the_configuration(tmp_path: Path) -> None:
    kept(tmp_path)
    settings = loaded(tmp_path, "{file: password}")

    settings.load_secrets()

    assert password_of(settings).reveal() == PASSWORD


def test_a_password_is_read_from_systemds_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(tmp_path, mode=0o444)  # the directory keeps others out
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    settings = loaded(tmp_path, "{credential: password}")

    settings.load_secrets()

    assert password_of(settings).reveal() == PASSWORD


def test_a_password_is_read_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBE_PASSWORD", PASSWORD)
    settings = loaded(tmp_path, "{env: PROBE_PASSWORD}")

    settings.load_secrets()

    assert password_of(settings).reveal() == PASSWORD


def test_loading_the_configuration_reads_no_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)

    assert loaded(tmp_path, "{file: /nowhere}", "{credential: none}", "{env: NOT_SET}").services


def test_every_password_that_cannot_be_read_is_a_problem_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    settings = loaded(tmp_path, "{file: none}", "{credential: probe}", "{env: NOT_SET}")

    with pytest.raises(ConfigurationError) as caught:
        settings.load_secrets()

    said = [str(problem).partition(": services[0].targets") for problem in caught.value.problems]
    place = f"{tmp_path / 'mailuptime.yaml'}"
    unset = "$CREDENTIALS_DIRECTORY is not set; systemd's LoadCredential= sets it"
    assert [(before, after) for before, _, after in said] == [
        (f"{place}:4:86", f"[0].login.password: file {tmp_path / 'none'}: No such file or directory"),
        (f"{place}:5:86", f"[1].login.password: credential probe: {unset}"),
        (f"{place}:6:86", "[2].login.password: env NOT_SET is not set"),
    ]


def test_a_password_file_that_everybody_can_read_is_refused(tmp_path: Path) -> None:
    path = kept(tmp_path, mode=0o644)

    with pytest.raises(SecretError) as caught:
        SecretReference("file", str(path)).load()

    assert str(caught.value) == f"file {path} can be read by everybody; chmod o-r it"


def test_a_password_file_that_its_group_can_read_is_accepted(tmp_path: Path) -> None:
    assert SecretReference("file", str(kept(tmp_path, mode=0o640))).reveal() == PASSWORD


@pytest.mark.parametrize("text", ["", "\n"])
def test_an_empty_password_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SecretError, match="is empty"):
        SecretReference("file", str(kept(tmp_path, text))).load()


def test_a_password_file_that_is_far_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SecretError, match="is larger than 64 KiB"):
        SecretReference("file", str(kept(tmp_path, "x" * 65_537))).load()


def test_a_password_that_is_not_utf_8_is_refused_without_showing_it(tmp_path: Path) -> None:
    path = kept(tmp_path)
    path.write_bytes(b"hunter2\xff")

    with pytest.raises(SecretError) as caught:
        SecretReference("file", str(path)).load()

    assert str(caught.value) == f"file {path} is not UTF-8"


def test_a_fifo_does_not_stop_the_program(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path, 0o600)

    with pytest.raises(SecretError, match="is not a regular file"):
        SecretReference("file", str(path)).load()


def test_a_password_is_read_once(tmp_path: Path) -> None:
    path = kept(tmp_path)
    secret = SecretReference("file", str(path))
    secret.load()
    path.unlink()

    secret.load()

    assert secret.reveal() == PASSWORD


def test_a_token_is_read_again_and_the_last_one_stays_where_it_cannot_be(tmp_path: Path) -> None:
    secret = SecretReference("file", str(kept(tmp_path, "first\n")))
    secret.load()
    kept(tmp_path, "second\n")
    secret.renew()
    assert secret.reveal() == "second"

    kept(tmp_path, "\n")
    with pytest.raises(SecretError, match="is empty"):
        secret.renew()
    assert secret.reveal() == "second"


def test_a_password_that_many_targets_use_is_read_once_and_reported_once_a_line(tmp_path: Path) -> None:
    settings = loaded(tmp_path, "{file: password}", "{file: password}")

    assert password_of(settings, 0) is password_of(settings, 1)


def test_a_password_never_shows(tmp_path: Path) -> None:
    settings = loaded(tmp_path, f"{{file: {kept(tmp_path)}}}")
    settings.load_secrets()
    secret = password_of(settings)

    assert PASSWORD not in f"{secret} {secret!r} {settings} {settings!r}"
    with pytest.raises(TypeError, match="neither copied nor pickled"):
        pickle.dumps(secret)


def test_references_to_the_same_place_are_equal_whatever_was_read(tmp_path: Path) -> None:
    path = str(kept(tmp_path))
    one, two = SecretReference("file", path), SecretReference("file", path)
    one.load()

    assert one == two
    assert one != SecretReference("env", path)


@pytest.mark.parametrize("text", ["two\nlines\n", "carriage\rreturn", "nul\0"])
def test_a_password_that_no_protocol_could_carry_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SecretError, match="a password is one line") as caught:
        SecretReference("file", str(kept(tmp_path, text))).load()
    assert "two" not in str(caught.value)
