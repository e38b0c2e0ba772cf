"""The gateways of the load as one process: sends what is due, hears what the server has committed.

Prints one JSON line a second: seconds since the beginning, frames due, frames acknowledged.
"""

import argparse
import json
import threading
import time
from datetime import datetime

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from demo.load_plan import FRAMES_OF_BATCH, LoadPlan
from wire_contracts.acks import parse_ack
from wire_contracts.frames import dump_batch, frame_json
from wire_contracts.payloads import pack, unpack
from wire_contracts.topics import Channel, Topic, parse_topic, subscription

_PATIENCE_S = 60.0
_TICK_S = 0.02
_IN_FLIGHT = 200


class Sender:
    """One connection that stands for all gateways."""

    def __init__(self, port: int, plan: LoadPlan) -> None:
        """Take the broker's port on loopback; nothing is sent yet."""
        self._plan = plan
        self._upto: dict[str, int] = {}
        self._acknowledged = 0
        self._is_ready = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="load-gateways")
        self._client.max_inflight_messages_set(_IN_FLIGHT)
        self._client.on_connect = self._subscribe
        self._client.on_subscribe = lambda *_: self._is_ready.set()
        self._client.on_message = self._hear
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def run(self, seconds: float) -> None:
        """Send for so long, then wait a minute for the last acknowledgements."""
        self._is_ready.wait(_PATIENCE_S)
        began_s, sent, said_s = time.monotonic(), 0, 0
        while (elapsed_s := time.monotonic() - began_s) < seconds:
            while sent < self._plan.due_batches(elapsed_s):
                self._send(sent)
                sent += 1
                if time.monotonic() - began_s > said_s + 1:
                    break
            if elapsed_s > said_s:
                said_s = int(elapsed_s) + 1
                self._say(elapsed_s, self._plan.due_batches(elapsed_s))
            time.sleep(_TICK_S)
        self._say(seconds, self._plan.due_batches(seconds))
        end_s = time.monotonic() + _PATIENCE_S
        while self._acknowledged < sent * FRAMES_OF_BATCH and time.monotonic() < end_s:
            time.sleep(_TICK_S)
        self._say(time.monotonic() - began_s, sent)
        self._client.disconnect()
        self._client.loop_stop()

    def _send(self, number: int) -> None:
        gateway_id = self._plan.gateway_of(number)
        bodies = [frame_json(frame) for frame in self._plan.frames_of(number)]
        payload = pack(dump_batch(gateway_id, self._plan.epoch, bodies))
        topic = Topic(gateway_id=gateway_id, channel=Channel.UP).text()
        self._client.publish(topic, payload, qos=1)

    def _say(self, elapsed_s: float, batches: int) -> None:
        line = {"s": elapsed_s, "due": batches * FRAMES_OF_BATCH, "stored": self._acknowledged}
        print(json.dumps(line), flush=True)

    @staticmethod
    def _subscribe(client: Client, *_details: object) -> None:
        client.subscribe(subscription(Channel.ACK), 1)

    def _hear(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        gateway_id = parse_topic(message.topic).gateway_id
        for entry in parse_ack(unpack(message.topic, bytes(message.payload))).epochs:
            if entry.epoch == self._plan.epoch:
                self._acknowledged += max(0, entry.upto - self._upto.get(gateway_id, 0))
                self._upto[gateway_id] = max(entry.upto, self._upto.get(gateway_id, 0))


def main() -> None:
    """Send as the plan on the command line says."""
    parser = argparse.ArgumentParser(description="very many gateways")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--meters", type=int, required=True)
    parser.add_argument("--factor", type=float, required=True)
    parser.add_argument("--start", type=datetime.fromisoformat, required=True)
    parser.add_argument("--epoch", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    options = parser.parse_args()
    plan = LoadPlan(
        meters=options.meters,
        factor=options.factor,
        start_utc=options.start,
        epoch=options.epoch,
    )
    Sender(options.port, plan).run(options.seconds)


if __name__ == "__main__":
    main()
