"""Any service over TCP: a connection and, where it speaks TLS from the first byte, the handshake. Nothing is said."""

import asyncio
from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from probes import net, tls
from probes.base import Options, Steps
from probes.errors import Cause, ProbeFailureError
from probes.expect import Expect
from probes.session import Reach, conclude, discreet, look, mind, resolvable
from probes.tls import TlsOptions

Phase = Literal["total", "dns", "connect", "tls"]


class TcpOptions(Reach):
    """Any service over TCP: it accepts a connection, and its certificate is good."""

    host: str = Field(
        min_length=1, max_length=253, description="Host name or address.", examples=["mail.example.go.th"]
    )
    port: int = Field(ge=1, le=65535, description="TCP port.", examples=[636])
    tls: TlsOptions = Field(
        default=TlsOptions(mode="none"), description="none or implicit, or a mapping.", examples=["implicit"]
    )
    expect: Expect[Phase] | None = Field(
        default=None, description="What must hold beside the service working; by default nothing."
    )

    @field_validator("host")
    @classmethod
    def _resolvable(cls, host: str) -> str:
        return resolvable(host)

    @model_validator(mode="after")
    def _speechless(self) -> Self:
        if self.tls.mode == "starttls":
            raise ValueError("nothing is said here, so there is no STARTTLS: tls is none or implicit")
        return self


class TcpProbe:
    protocol: ClassVar[str] = "tcp"
    Options: ClassVar[type[Options]] = TcpOptions

    def __init__(self, options: TcpOptions) -> None:
        self.options = options
        self._context = tls.context(options.tls) if options.tls.mode == "implicit" else None
        name = options.tls.server_name or options.host.rstrip(".")
        self._endpoint = net.Endpoint(options.host, options.port, name, options.address_family)

    async def check(self, steps: Steps) -> None:
        with discreet(steps, None):
            try:
                await self._connect(steps, blind=False)
            except ProbeFailureError as failure:
                if failure.cause is Cause.TLS_CERTIFICATE:
                    await look(steps, failure, self._unverified)
                raise
            mind(steps, self.options.tls)
            await conclude(steps, self.options.expect)

    async def pulse(self, steps: Steps) -> None:
        with discreet(steps, None):
            await self._connect(steps, blind=False)

    async def _connect(self, steps: Steps, *, blind: bool) -> None:
        context = tls.blind_context() if blind and self._context else self._context
        transport, _ = await net.open_connection(steps, asyncio.Protocol, self._endpoint, context)
        transport.abort()

    async def _unverified(self, aside: Steps) -> None:
        await self._connect(aside, blind=True)
