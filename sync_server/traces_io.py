"""Tells a collector of OpenTelemetry what this process did, where the settings name one.

One for each process, like the log. Without a collector nothing is imported, and a span is one
shared object that does nothing. A span says which gateways, orders and tablets it was about, so
that what several processes did about one of them is found together; it holds no person's words.
"""

from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Protocol

from sync_server.config import SERVER_VERSION, ConfigError

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

Told = str | int | Sequence[str]

MOST_NAMED = 50
"""Orders or gateways that one span names; the rest is only counted."""


class Spoken(Protocol):
    """A span while it lasts; `is_on`: whether anybody hears of it."""

    is_on: bool

    def note(self, name: str, value: Told) -> None:
        """Say more of it."""
        ...


class _Silent:
    """Nobody hears."""

    is_on = False

    def note(self, name: str, value: Told) -> None:
        """Do nothing."""


class _Heard:
    """A span of OpenTelemetry."""

    is_on = True

    def __init__(self, span: "Span") -> None:
        """Take the open span."""
        self._span = span

    def note(self, name: str, value: Told) -> None:
        """Say more of it: a text, a number, or the first of many names."""
        told = value if isinstance(value, str | int) else list(value[:MOST_NAMED])
        self._span.set_attribute(name, told)


_SILENCE: AbstractContextManager[Spoken] = nullcontext(_Silent())


class _Process:
    """What this process tells; the provider is None as long as nobody listens."""

    provider: "TracerProvider | None" = None


def start_traces(endpoint: str | None, parts: Sequence[str]) -> None:
    """Send spans from now on to an OTLP address such as `http://127.0.0.1:4318/v1/traces`.

    Raises:
        ConfigError: The packages are not installed.
    """
    if endpoint is None:
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError as error:
        message = (
            f"traces: endpoint: {error.name} is not installed; pip install 'lamplighter[traces]',"
            " or leave the table out"
        )
        raise ConfigError(message) from error
    named = {
        "service.name": "lamplighter-server",
        "service.version": SERVER_VERSION,
        "lamplighter.parts": list(parts),
    }
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, timeout=5)))
    _Process.provider = provider


def stop_traces() -> None:
    """Send what is waiting, and nothing any more."""
    provider, _Process.provider = _Process.provider, None
    if provider is not None:
        provider.shutdown()


def is_tracing() -> bool:
    """Return whether anybody listens."""
    return _Process.provider is not None


def span(name: str) -> AbstractContextManager[Spoken]:
    """Return a span around the block, inside the one that is open."""
    return _SILENCE if _Process.provider is None else _heard(name, None)


@contextmanager
def _heard(name: str, parent: "Context | None") -> Generator[Spoken]:
    provider = _Process.provider
    if provider is None:
        yield _Silent()
        return
    tracer = provider.get_tracer("lamplighter")
    with tracer.start_as_current_span(name, context=parent) as found:
        yield _Heard(found)


class TraceRequests:
    """ASGI middleware: a span for each request, in the trace of whoever asks (W3C traceparent).

    It says the route and what the path names, never the query: people type into that.
    """

    def __init__(self, app: "ASGIApp") -> None:
        """Wrap the application."""
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Pass everything on."""
        if scope["type"] != "http" or not is_tracing():
            await self._app(scope, receive, send)
            return
        from opentelemetry.propagate import extract  # noqa: PLC0415  # only where it is used

        sent = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        with _heard(f"{scope['method']}", extract(sent)) as told:

            async def heard(message: "Message") -> None:
                if message["type"] == "http.response.start":
                    told.note("http.response.status_code", int(message["status"]))
                await send(message)

            try:
                await self._app(scope, receive, heard)
            finally:
                _note_route(scope, told)


def _note_route(scope: "Scope", told: Spoken) -> None:
    told.note("http.request.method", str(scope["method"]))
    told.note("http.route", str(getattr(scope.get("route"), "path", "")))
    for name, value in (scope.get("path_params") or {}).items():
        if name.endswith("_id"):
            told.note(f"lamplighter.{name}", str(value))
