"""The gateways of the ingest benchmark as one process: sends batches, hears acknowledgements.

Run as `python -m benchmarks.ingest_gateways PORT PAYLOAD_FILE`. Prints `ready`, waits for a line on
standard input, sends, and prints one JSON line: seconds from the first publication to the last
acknowledgement, and the processor seconds of this process in them.
"""

import json
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from wire_contracts.acks import parse_ack
from wire_contracts.frames import parse_batch
from wire_contracts.payloads import unpack
from wire_contracts.topics import Channel, parse_topic, subscription

_PATIENCE_S = 180.0
_IN_FLIGHT = 200


class Gateways:
    """One connection that stands for all gateways."""

    def __init__(self, port: int, payloads: list[tuple[str, bytes]]) -> None:
        """Connect and subscribe to the acknowledgements."""
        self._payloads = payloads
        self._open = _last_seqs(payloads)
        self._is_ready = threading.Event()
        self._is_done = threading.Event()
        self._done_at_s = self._worked_s = 0.0
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="bench-gateways")
        self._client.max_inflight_messages_set(_IN_FLIGHT)
        self._client.on_connect = lambda client, *_: client.subscribe(subscription(Channel.ACK), 1)
        self._client.on_subscribe = lambda *_: self._is_ready.set()
        self._client.on_message = self._hear
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def run(self) -> tuple[float, float]:
        """Return the seconds from the first publication to the last acknowledgement.

        And how many of the processor this process has had in them.
        """
        self._is_ready.wait(_PATIENCE_S)
        print("ready", flush=True)
        sys.stdin.readline()
        started_s, worked_s = time.monotonic(), time.process_time()
        for topic, payload in self._payloads:
            self._client.publish(topic, payload, qos=1)
        is_done = self._is_done.wait(_PATIENCE_S)
        self._client.disconnect()
        self._client.loop_stop()
        if not is_done:
            message = f"gateways: {len(self._open)} were not acknowledged; see the server's log"
            raise RuntimeError(message)
        return self._done_at_s - started_s, self._worked_s - worked_s

    def _hear(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        ack = parse_ack(unpack(message.topic, bytes(message.payload)))
        gateway_id = parse_topic(message.topic).gateway_id
        for entry in ack.epochs:
            if entry.upto >= self._open.get((gateway_id, entry.epoch), 2**63):
                del self._open[gateway_id, entry.epoch]
        if not self._open and not self._is_done.is_set():
            self._done_at_s, self._worked_s = time.monotonic(), time.process_time()
            self._is_done.set()


def _read(path: Path) -> Iterator[bytes]:
    data, at = path.read_bytes(), 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 4 + size]
        at += 4 + size


def _last_seqs(payloads: list[tuple[str, bytes]]) -> dict[tuple[str, int], int]:
    last: dict[tuple[str, int], int] = {}
    for topic, payload in payloads:
        batch = parse_batch(unpack(topic, payload))
        key = (batch.gateway_id, batch.epoch)
        last[key] = max(last.get(key, 0), *(frame.seq for frame in batch.frames))
    return last


def main() -> None:
    """Send everything once."""
    parts = list(_read(Path(sys.argv[2])))
    payloads = [(topic.decode(), body) for topic, body in zip(parts[::2], parts[1::2], strict=True)]
    print(json.dumps(Gateways(int(sys.argv[1]), payloads).run()))


if __name__ == "__main__":
    main()
