"""The section `notify`: who is told of alerts without Prometheus."""

import importlib.util
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, ValidationInfo

from monitor.settings.fields import Kind, RefusedError, Text
from monitor.settings.reader import Placed, Reader
from monitor.settings.secrets import ADVICE, SecretReference, reference
from monitor.settings.sections import Section


def _url(value: Any, info: ValidationInfo[Any]) -> SecretReference:
    found = reference(value, info.context.directory)
    if found is None:
        raise RefusedError("a receiver's URL holds its secret and never stands here", ADVICE)
    return found


Url = Annotated[SecretReference, PlainValidator(_url), Kind("secret")]


class NotifySettings(Section):
    """Notifications through Apprise for those without Prometheus and Alertmanager; needs the extra `notifications`."""

    urls: tuple[Url, ...] = Field(
        (),
        description="Where the receivers' URLs stand, each as github.com/caronc/apprise/wiki says, one to a secret. "
        "None of them may go through the mail that is monitored.",
        examples=["[{credential: pager}, {file: /etc/mailuptime/chat-url}]"],
    )
    severity: Literal["page", "ticket", "info"] = Field(
        "page", description="The least severity that is told: `ticket` tells pages too.", examples=["ticket"]
    )
    title: Text = Field("mailuptime", description="What every title begins with.", examples=["MailGoThai"])


def report_urls(reader: Reader, notify: NotifySettings) -> None:
    """Note the secrets, each only once, and that Apprise is missing where it is."""
    for index, url in enumerate(notify.urls):
        loc = ("notify", "urls", index)
        if url in notify.urls[:index]:
            reader.report.add(loc, f"{url} is named twice", "each receiver is told once")
        reader.secrets.append(Placed(url, reader.report.place(loc)))
    if notify.urls and importlib.util.find_spec("apprise") is None:
        hint = "install it: pip install 'mailuptime[notifications]'"
        reader.report.add(("notify",), "notifications need Apprise, which is not installed", hint, at="key")
