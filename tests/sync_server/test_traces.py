"""What a collector of OpenTelemetry hears: requests, batches and pushes with their ids."""

import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from httpx import Client
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from sqlalchemy import Engine
from typing_extensions import override

from sync_server.config import ConfigError
from sync_server.traces_io import is_tracing, span, start_traces, stop_traces
from sync_server.work_orders.order_store import create_from_alert
from tests.sync_server.people_parts import Pen, found_utility, raise_leak
from tests.sync_server.readings.test_ingest_run import Sender, _frames, _ingest, _payload
from tests.sync_server.real_parts import NOON, HandClock
from tests.sync_server.town_parts import GATEWAY, found_town, new_meter
from tests.sync_server.web.desk_parts import SITE, served


class Collector(ThreadingHTTPServer):
    """Takes what an exporter sends, as any collector does."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taker)
        self.bodies: list[bytes] = []

    @property
    def spans(self) -> list[Span]:
        found = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        scopes = [
            each for one in found for whole in one.resource_spans for each in whole.scope_spans
        ]
        return [each for scope in scopes for each in scope.spans]


class _Taker(BaseHTTPRequestHandler):
    server: Collector  # type: ignore[mutable-override]  # nobody else serves it

    def do_POST(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    @override
    def log_message(self, *_words: object) -> None:
        return


@pytest.fixture
def collector() -> Iterator[Collector]:
    found = Collector()
    thread = threading.Thread(target=found.serve_forever)
    thread.start()
    start_traces(f"http://127.0.0.1:{found.server_port}/v1/traces", ["ingest", "pages"])
    yield found
    stop_traces()
    found.shutdown()
    thread.join(10)
    found.server_close()


def _said(found: Span) -> dict[str, object]:
    return {
        each.key: [one.string_value for one in each.value.array_value.values]
        if each.value.HasField("array_value")
        else each.value.int_value or each.value.string_value
        for each in found.attributes
    }


def test_a_request_is_told_by_its_route_and_ids_in_the_trace_of_who_asks(
    sqlite_engine: Engine, clock: HandClock, collector: Collector
) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    asked = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    with served(sqlite_engine, clock, SITE) as server, Client(base_url=server.base_url) as agent:
        status = agent.get("/orders/o-7?q=Li+Ming", headers=asked).status_code
    stop_traces()

    (found,) = collector.spans
    said = _said(found)
    assert found.trace_id.hex() == trace
    assert said["http.route"] == "/orders/{order_id}"
    assert said["lamplighter.order_id"] == "o-7"
    assert said["http.response.status_code"] == status
    assert "Li" not in str(found)


def test_a_transaction_of_the_ingest_names_its_gateways(
    sqlite_engine: Engine, mosquitto_port: int, collector: Collector
) -> None:
    with sqlite_engine.begin() as connection:
        found_town(connection, [new_meter("M-1")])
    with _ingest(sqlite_engine, mosquitto_port):
        sender = Sender(mosquitto_port)
        sender.send(_payload(*_frames(1, 3)))
        sender.acks.get(timeout=60)
        sender.close()
    stop_traces()

    (said,) = [_said(each) for each in collector.spans if each.name == "ingest.batch"]
    assert said["lamplighter.gateway_ids"] == [GATEWAY]
    assert (said["lamplighter.messages"], said["lamplighter.frames"]) == (1, 3)


def test_without_a_collector_nothing_is_told_and_nothing_made() -> None:
    with span("ingest.batch") as told:
        told.note("lamplighter.frames", 1)

    assert not told.is_on
    assert not is_tracing()
    assert span("a") is span("b")


def test_without_the_packages_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)

    with pytest.raises(ConfigError, match=r"pip install 'lamplighter\[traces\]'"):
        start_traces("http://127.0.0.1:4318/v1/traces", ["pages"])


def test_a_push_names_its_tablet_and_orders(
    sqlite_engine: Engine, clock: HandClock, collector: Collector
) -> None:
    utility = found_utility(sqlite_engine, clock)
    pen = Pen(actor=utility.member.account_id, clock=clock)
    with sqlite_engine.begin() as connection:
        actor = utility.dispatcher.account_id
        alert_id = raise_leak(connection)
        order_id = create_from_alert(connection, alert_id, actor, "crew-1", NOON).order_id

    pen.push(utility.sync(), *pen.steps_to_work(order_id))
    stop_traces()

    (said,) = [_said(each) for each in collector.spans if each.name == "sync.push"]
    assert said["lamplighter.tablet_id"] == utility.tablet.tablet_id
    assert said["lamplighter.order_ids"] == [order_id]
