"""Fleets: what a template and a list become. What is wrong with either is in the museum of bad configurations."""

from pathlib import Path

import pytest

from monitor.settings import ConfigurationError, Settings, load
from probes.imap import ImapOptions

HEADER = "agency,title,domain,host,cluster,cluster_title,accounts,since"
ROWS = (
    'one,"กรม ""หนึ่ง"", กลาง",one.example.go.th,imap-1.example.go.th,north,เหนือ,1200,',
    "two,สอง,two.example.go.th,imap-2.example.go.th,south,ใต้,800,2026-11-15T00:00",
    "three,สาม,three.example.go.th,imap-1.example.go.th,north,เหนือ,,",
)
FLEET = """
fleets:
  - from: agencies.csv
    template:
      name: "{agency}"
      title: {th: "{title}"}
      accounts: "{accounts}"
      since: "{since}"
      targets:
        - name: imap
          type: imap
          host: "{host}"
          mailbox: "{{INBOX}}"
          login: {username: "probe@{domain}", password: {credential: "agency_{agency}"}}
        - {name: pop3, type: pop3, host: "{host}", interval: 2m}
    rollups:
      - {name: agencies, title: {en: All agencies}}
      - {name: "cluster-{cluster}", title: {th: "กลุ่ม{cluster_title}"}, down_when: all, accounts: 5000}
"""


def loaded(directory: Path, rows: tuple[str, ...] = ROWS, text: str = FLEET, ends: str = "\n") -> Settings:
    (directory / "agencies.csv").write_text(ends.join((HEADER, *rows)) + ends, newline="")
    (directory / "mailuptime.yaml").write_text(text)
    return load(directory / "mailuptime.yaml")


def problems(directory: Path, *rows: str, text: str = FLEET) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        loaded(directory, rows, text)
    return [str(problem).replace(f"{directory}/", "") for problem in caught.value.problems]


def test_each_row_is_a_service_and_each_name_of_a_roll_up_is_one_over_them(tmp_path: Path) -> None:
    settings = loaded(tmp_path)

    assert [service.name for service in settings.services] == [
        "one", "two", "three", "agencies", "cluster-north", "cluster-south",
    ]  # fmt: skip
    one, two, three, everything, north, south = settings.services
    assert one.title.th == 'กรม "หนึ่ง", กลาง'
    assert (one.accounts, two.accounts, three.accounts) == (1200, 800, None)
    assert (one.since, two.since is not None) == (None, True)
    assert [target.name for target in one.targets] == ["imap", "pop3"]
    assert everything.members == ("one", "two", "three")
    assert (north.members, south.members) == (("one", "three"), ("two",))
    assert (north.title.th, south.title.th) == ("กลุ่มเหนือ", "กลุ่มใต้")
    assert (north.down_when, north.accounts, everything.down_when) == ("all", 5000, "any")


def test_placeholders_are_filled_in_and_doubled_braces_stay(tmp_path: Path) -> None:
    one, *_ = loaded(tmp_path).services

    options = one.targets[0].options
    assert isinstance(options, ImapOptions)
    assert options.login is not None
    assert (options.host, options.mailbox) == ("imap-1.example.go.th", "{INBOX}")
    assert options.login.username == "probe@one.example.go.th"
    assert str(options.login.password) == "credential agency_one"


def test_neither_a_byte_order_mark_nor_crlf_nor_empty_lines_change_anything(tmp_path: Path) -> None:
    plain = loaded(tmp_path)

    loaded(tmp_path, ("", *ROWS, "", ",,,,,,,"), ends="\r\n")
    (tmp_path / "agencies.csv").write_bytes(b"\xef\xbb\xbf" + (tmp_path / "agencies.csv").read_bytes())

    assert load(tmp_path / "mailuptime.yaml") == plain


def test_a_list_in_yaml_is_the_same_as_one_in_csv(tmp_path: Path) -> None:
    settings = loaded(tmp_path)
    (tmp_path / "agencies.yaml").write_text("""
- {agency: one, title: 'กรม "หนึ่ง", กลาง', domain: one.example.go.th, host: imap-1.example.go.th, cluster: north,
   cluster_title: เหนือ, accounts: 1200}
- {agency: two, title: สอง, domain: two.example.go.th, host: imap-2.example.go.th, cluster: south, cluster_title: ใต้,
   accounts: 800, since: 2026-11-15T00:00}
- {agency: three, title: สาม, domain: three.example.go.th, host: imap-1.example.go.th, cluster: north,
   cluster_title: เหนือ, accounts: }
""")

    assert loaded(tmp_path, text=FLEET.replace("agencies.csv", "agencies.yaml")) == settings


def test_the_list_is_looked_for_beside_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)

    assert len(load(Path("../mailuptime.yaml")).services) == 6


def test_services_windows_and_members_beside_a_fleet_may_name_what_it_makes(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        text=FLEET
        + """
services: [{name: ministry, members: [cluster-north, two]}]
maintenance:
  - {scope: [one/imap, agencies], start: 2026-12-05T01:00, end: 2026-12-05T03:00, reason: upgrade, by: ops}
""",
    )

    assert settings.services[0].members == ("cluster-north", "two")
    assert settings.maintenance[0].scope == ("one/imap", "agencies")


def test_a_password_that_cannot_be_read_is_a_problem_of_its_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "credentials"))
    (tmp_path / "credentials").mkdir()
    for name in ("agency_one", "agency_three"):
        (tmp_path / "credentials" / name).write_text("secret\n")
    settings = loaded(tmp_path)

    with pytest.raises(ConfigurationError) as caught:
        settings.load_secrets()

    (problem,) = caught.value.problems
    assert (problem.path, problem.line, problem.key) == (str(tmp_path / "agencies.csv"), 3, "agency")
    assert "agency_two" in problem.message


def test_a_name_that_two_rows_have_is_named_with_both_lines(tmp_path: Path) -> None:
    (said,) = problems(tmp_path, ROWS[0], ROWS[0])

    assert said.startswith('agencies.csv:3:1: agency: a service "one" is defined already, at line 2; from fleets[0].')


def test_ten_thousand_rows_are_ten_thousand_services(tmp_path: Path) -> None:
    rows = tuple(f"a{n},,a{n}.example.go.th,imap.example.go.th,c{n % 7},,25," for n in range(10_000))

    settings = loaded(tmp_path, rows, FLEET.replace('title: {th: "กลุ่ม{cluster_title}"}, ', "").replace(
        "    template:", "    ignore: [cluster_title]\n    template:"
    ))  # fmt: skip

    assert len(settings.services) == 10_000 + 1 + 7
    assert len(settings.services[-8].members) == 10_000


def test_what_is_wrong_in_ten_thousand_rows_is_said_a_few_times(tmp_path: Path) -> None:
    rows = tuple(f"a{n},,a{n}.example.go.th,imap example,c,,25," for n in range(10_000))

    said = problems(tmp_path, *rows)

    assert len(said) == 21
    assert said[0] == "agencies.csv: there may be more problems than are shown; mend these first"
    assert said[1].startswith("agencies.csv:2:22: host: not a host name; from fleets[0].template.targets[0].host")


def test_what_is_wrong_in_the_template_is_said_once(tmp_path: Path) -> None:
    said = problems(tmp_path, *ROWS, text=FLEET.replace("interval: 2m", "interval: 2"))

    assert len(said) == 1
    assert said[0].startswith("mailuptime.yaml:15:62: fleets[0].template.targets[1].interval:")
