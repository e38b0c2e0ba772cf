"""What any replica in Python would have to do: hear frames, copy them into `reading`, acknowledge.

Run as `python -m benchmarks.scale_floor BROKER_PORT DATABASE_URL NUMBER OF`, one process for each
NUMBER below OF; ends when told to. The server's own session with the broker, inflate, JSON, a row
of each frame, the driver's COPY of bytes, 200 messages in a transaction. Nothing is checked, known,
hashed or entered anywhere else: repeats fail, nobody's newest value is found, detection learns
nothing. Prints `ready`.
"""

import signal
import sys
import threading
import zlib
from binascii import a2b_base64
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypedDict

import orjson
from sqlalchemy import Engine

from benchmarks.ingest_town import GATEWAYS
from sync_server.config import BrokerConfig
from sync_server.db.bulk_io import OnExisting, Row, write_rows
from sync_server.db.engine_io import open_engine
from sync_server.db.reading_tables import READING
from sync_server.readings.mqtt_io import BrokerLink, Feed, Message
from wire_contracts.acks import Ack, EpochAck
from wire_contracts.frames import ms_from_utc
from wire_contracts.quantities import Quantity
from wire_contracts.topics import Channel, Topic

_MOST_MESSAGES = 200
_NAMES = tuple(map(str, Quantity))


class _Frame(TypedDict):
    s: int
    d: str
    t: int
    p: str
    v: dict[str, float]
    raw: str


class _Body(TypedDict):
    gw: str
    ep: int
    f: list[_Frame]


def main() -> None:
    """Serve until SIGTERM."""
    port, url, number, of = sys.argv[1:]
    names = [f"gw-{at:02d}" for at in range(int(number), GATEWAYS, int(of))]
    topics = [Topic(gateway_id=name, channel=Channel.UP).text() for name in names]
    config = BrokerConfig(host="127.0.0.1", port=int(port), client_id=f"floor-{number}")
    link = BrokerLink(config, Feed(topics=topics))
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    engine = open_engine(url)
    link.start()
    is_ready = False
    while not stop.is_set():
        first = link.take(0.1)
        if not is_ready and link.is_subscribed:
            is_ready = True
            print("ready", flush=True)
        if first is not None:
            _move(link, engine, _gather(link, first))
    link.close()
    engine.dispose()


def _gather(link: BrokerLink, first: Message) -> Sequence[Message]:
    messages = [first]
    while len(messages) < _MOST_MESSAGES:
        following = link.take_now()
        if following is None:
            break
        messages.append(following)
    return messages


def _move(link: BrokerLink, engine: Engine, messages: Sequence[Message]) -> None:
    rows: list[Row] = []
    last: dict[tuple[str, int], int] = {}
    for message in messages:
        body: _Body = orjson.loads(zlib.decompress(message.payload))
        last[body["gw"], body["ep"]] = body["f"][-1]["s"]
        rows += map(_row, body["f"])
    with engine.begin() as connection:
        write_rows(connection, READING, rows, OnExisting.FAIL)
    now_ms = ms_from_utc(datetime.now(UTC))
    for (gateway_id, epoch), upto in last.items():
        acks = [EpochAck(epoch=epoch, upto=upto)]
        link.publish_ack(gateway_id, Ack(server_epoch=1, epochs=acks, server_at_ms=now_ms))
    for message in messages:
        link.confirm(message)


def _row(frame: _Frame) -> Row:
    values = map(frame["v"].get, _NAMES)
    words = a2b_base64(frame["raw"])
    return (frame["d"], frame["t"], *values, None, frame["p"], 1, None, None, words)


if __name__ == "__main__":
    main()
