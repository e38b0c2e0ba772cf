"""The far end of a measured gateway: takes batches, acknowledges them, counts readings.

As a process: `python -m benchmarks.gateway_sink PORT [dated]` prints a line as soon as it listens,
and for each line on its standard input one JSON object of what has come so far; `dated` keeps of
each frame when it was measured, too.
"""

import json
import sys
import threading
import time
import zlib

import orjson
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from wire_contracts.acks import Ack, EpochAck, add_seqs, dump_ack

_ZLIB = b"x"


class Sink:
    """Counts what has come since the start, once for each number."""

    def __init__(self, port: int, *, is_dated: bool) -> None:
        """Connect and subscribe to every gateway."""
        self._is_dated = is_dated
        self.dated: list[tuple[int, str, int]] = []
        self.frames = 0
        self.readings = 0
        self.plain_bytes = 0
        self._acks: dict[int, EpochAck] = {}
        self._client = Client(
            CallbackAPIVersion.VERSION2, client_id="sink", protocol=MQTTProtocolVersion.MQTTv5
        )
        self._ready = threading.Event()
        self._client.on_connect = lambda client, *_: client.subscribe([("lamp/v1/+/+/up", 1)])
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._ready.wait(10)

    def _on_message(self, client: Client, _userdata: object, message: MQTTMessage) -> None:
        payload = message.payload
        if payload[:1] == _ZLIB:
            payload = zlib.decompress(payload)
        batch = orjson.loads(payload)
        self.plain_bytes += len(payload)
        frames = [each for each in batch["f"] if "gap" not in each]
        before = self._acks.get(batch["ep"], EpochAck(epoch=batch["ep"], upto=0))
        ack = add_seqs(before, [each["s"] for each in batch["f"]])
        self._acks[batch["ep"]] = ack
        topic = message.topic[: -len("up")] + "ack"
        acks = list(self._acks.values())
        client.publish(topic, dump_ack(Ack(server_epoch=1, epochs=acks)), qos=1)
        self.frames += len(frames)
        for each in frames:
            count = len(each["v"])
            self.readings += count
            if self._is_dated:
                self.dated.append((each["t"], each["d"], count))


def main() -> None:
    """Answer each line with the counts."""
    sink = Sink(int(sys.argv[1]), is_dated="dated" in sys.argv)
    print("ready", flush=True)
    for _ in sys.stdin:
        said = {
            "at_s": time.monotonic(),
            "frames": sink.frames,
            "readings": sink.readings,
            "plain_bytes": sink.plain_bytes,
            "dated": sink.dated,
        }
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
