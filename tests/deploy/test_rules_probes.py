"""Alerts about certificates, round trips and the monitor's accounts fire when they should, never in maintenance."""

from dataclasses import replace
from pathlib import Path

from tests.deploy.rules.promtool import OF_SERVICE, OF_TARGET, Firing, fired, judge, silence
from tests.deploy.rules.story import SERVICE, TARGET, Story

DAYS = 86400
RESTART = 5
"""Minutes for which an alert is kept that a restart of the monitor shall neither end nor repeat."""


def told(minutes: int = 100, turn: int | None = 25, **series: str) -> Story:
    """A story in which all else is well; `certificate` is the seconds that it runs out at."""
    return Story(minutes, turn=turn, more={NAMES[name]: values for name, values in series.items()})


NAMES = {
    "down": f'mailuptime_target_state{{state="down",protocol="imap",{TARGET}}}',
    "trip": f'mailuptime_target_state{{state="down",protocol="roundtrip",{TARGET}}}',
    "since": f"mailuptime_outage_start_timestamp_seconds{{{TARGET}}}",
    "expectation": f"mailuptime_probe_expectation_met{{{TARGET}}}",
    "certificate": f"mailuptime_tls_certificate_not_after_timestamp_seconds{{{TARGET}}}",
    "expiring": f"mailuptime_tls_certificate_expiring{{{TARGET}}}",
    "problem": f'mailuptime_tls_certificate_problem{{problem="expired",{TARGET}}}',
    "delivered": f'mailuptime_roundtrip_total{{result="delivered",{TARGET}}}',
    "late": f'mailuptime_roundtrip_total{{result="late",{TARGET}}}',
    "lost": f'mailuptime_roundtrip_total{{result="lost",{TARGET}}}',
    "auth": f'mailuptime_check_failures_total{{cause="auth",protocol="imap",{TARGET}}}',
    "backoff": f"mailuptime_login_backoff_seconds{{{TARGET}}}",
    "quota": f"mailuptime_mailbox_quota_used_ratio{{{TARGET}}}",
}
ACCOUNT = "mail/imap refuses the monitor's login"
# Each begins at minute 10 and is over at minute 40, with a month's turn at minute 25.
FIRINGS = [
    Firing(
        "MailuptimeTargetDown", told(down="0x9 1x29 0x60", since="_x10 600x29 stale"), 15, 40 + RESTART,
        "mail/imap is down; the service is not",
        "Down for 5.0 minutes. By the service's rule this is no downtime.",
        OF_TARGET | {"protocol": "imap", "state": "down"},
    ),
    Firing(
        "MailuptimeExpectationMissed", told(expectation="1x9 0x29 1x60"), 25, 40 + RESTART,
        "mail/imap works, but not as its `expect` asks",
        "For 15 minutes every check has come with a warning. It is no downtime.", OF_TARGET,
    ),
    # In 14 days and 10 minutes, until it is replaced.
    Firing(
        "MailuptimeCertificateExpiring", told(certificate=f"{14 * DAYS + 570}x39 {90 * DAYS}x60"), 10, 40 + RESTART,
        "The certificate of mail/imap runs out in 14.0 days",
        "It runs out on 1970-01-15 00:09:30 +0000 UTC. From then on every minute is downtime.", OF_TARGET,
    ),
    # min_days_left of the target asks for more.
    Firing(
        "MailuptimeCertificateExpiring", told(certificate=f"{30 * DAYS}x100", expiring="0x9 1x29 0x60"), 10,
        40 + RESTART,
        "The certificate of mail/imap runs out in 30.0 days",
        "It runs out on 1970-01-31 00:00:00 +0000 UTC. From then on every minute is downtime.", OF_TARGET,
    ),
    Firing(
        "MailuptimeCertificateExpiresSoon", told(certificate=f"{2 * DAYS + 570}x39 {90 * DAYS}x60"), 10, 40 + RESTART,
        "The certificate of mail/imap runs out within two days",
        "2880 minutes are left before mail programs refuse the server. From then on every minute is downtime.",
        OF_TARGET,
    ),
    Firing(
        "MailuptimeCertificateProblem", told(problem="_x10 1x29 stale"), 15, 40 + RESTART,
        "The certificate of mail/imap does not verify: expired",
        "It has not verified for 5 minutes. Mail programs warn or refuse.", OF_TARGET | {"problem": "expired"},
    ),
    Firing(
        "MailuptimeRoundTripFailing", told(trip="0x9 1x29 0x60", since="_x10 0x29 stale"), 15, 50,
        "Mail over mail/imap does not arrive",
        "For 15.0 minutes no message of the monitor has made the round trip in time. By the service's rule this is no "
        "downtime.",
        OF_TARGET | {"protocol": "roundtrip", "state": "down"},
    ),
    # Counted for half an hour.
    Firing(
        "MailuptimeRoundTripLost", told(lost="0x9 1x90", delivered="7x100"), 10, 40,
        "Mail over mail/imap was accepted and is lost",
        "Messages of the monitor that were given up or came back in the last 30 minutes: 1, that arrived: 0.",
        OF_TARGET,
    ),
    Firing(
        "MailuptimeRoundTripLate", told(late="0x9 1x90"), 10, 40, "Mail over mail/imap arrives too late",
        "Messages of the monitor that arrived after their deadline in the last 30 minutes: 1.", OF_TARGET,
    ),
    # The first refused login makes the series.
    Firing(
        "MailuptimeProbeAccountFailing", told(auth="_x10 1x90"), 12, 20, ACCOUNT,
        "Logins that were refused in the last 10 minutes: 1.", OF_TARGET,
    ),
    # Prometheus is new here and finds an old failure; another comes.
    Firing(
        "MailuptimeProbeAccountFailing", told(auth="1x9 2x90"), 12, 20, ACCOUNT,
        "Logins that were refused in the last 10 minutes: 1.", OF_TARGET,
    ),
    Firing(
        "MailuptimeProbeAccountFailing", told(backoff="_x10 300x29 stale"), 12, 40, ACCOUNT,
        "Logins that were refused in the last 10 minutes: 0; the monitor waits 5.0 minutes before the next, so that "
        "the account is not locked.",
        OF_TARGET,
    ),
    Firing(
        "MailuptimeProbeMailboxFull", told(quota="0.8x9 0.81x29 0.8x60"), 15, 40 + RESTART,
        "The monitor's mailbox at mail/imap is 81 % full",
        "Once it is full, round trips bounce, and that looks like an outage after some minutes.", OF_TARGET,
    ),
]  # fmt: skip


def test_an_alert_of_a_target_fires_exactly_when_it_should_and_through_the_months_turn(tmp_path: Path) -> None:
    judge(fired(*FIRINGS), tmp_path)


def test_no_alert_of_a_target_fires_in_maintenance(tmp_path: Path) -> None:
    quiet = [replace(firing.story, windows=((0, 101),)) for firing in FIRINGS]
    judge([silence(story, [one.alert]) for story, one in zip(quiet, FIRINGS, strict=True)], tmp_path)


def test_a_certificate_that_has_run_out_has_no_minutes_left_rather_than_fewer(tmp_path: Path) -> None:
    firing = Firing(
        "MailuptimeCertificateExpiresSoon", told(certificate="0x100"), 0, 101,
        "The certificate of mail/imap runs out within two days",
        "0 minutes are left before mail programs refuse the server. From then on every minute is downtime.", OF_TARGET,
    )  # fmt: skip
    later = Firing(firing.alert, told(minutes=20, turn=None, certificate="-600x20"), 0, 21, firing.summary,
                   firing.description, OF_TARGET)  # fmt: skip
    judge(fired(firing, later), tmp_path)


(CERTIFICATE,) = (one for one in FIRINGS if one.alert == "MailuptimeCertificateProblem")


def test_a_target_that_makes_its_service_down_is_told_by_the_outage_alone(tmp_path: Path) -> None:
    story = Story(60, outages=((10, 40),), more={NAMES["down"]: "0x9 1x29 0x60"})
    judge([silence(story, ["MailuptimeTargetDown"])], tmp_path)


def test_a_round_trip_that_recovers_some_minutes_after_its_service_pages_nobody(tmp_path: Path) -> None:
    story = Story(60, outages=((10, 40),), more={NAMES["trip"]: "0x14 1x29 0x60"})
    judge([silence(story, ["MailuptimeRoundTripFailing"])], tmp_path)


def test_a_service_that_is_well_in_maintenance_of_another_is_not_silenced(tmp_path: Path) -> None:
    other = {f"mailuptime_maintenance_active{{{SERVICE}}}".replace('"mail"', '"other"'): "1x100"}
    story = replace(CERTIFICATE.story, more={**CERTIFICATE.story.more, **other})
    assert OF_SERVICE["sla_service"] == "mail"
    judge(fired(replace(CERTIFICATE, story=story)), tmp_path)
