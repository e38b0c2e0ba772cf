"""The embedded MQTT broker of the demo: amqtt on loopback, with accounts and own topics only."""

import asyncio
import threading
from pathlib import Path

from amqtt.broker import Broker


async def _serve(port: int, account_file: Path, stop: threading.Event) -> None:
    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "plugins": {
                "demo.broker_access.AccountFilePlugin": {"account_file": str(account_file)},
                "demo.broker_access.OwnTopicsPlugin": {},
            },
        }
    )
    await broker.start()
    try:
        await asyncio.to_thread(stop.wait)
    finally:
        await broker.shutdown()


def serve_broker(port: int, account_file: Path, stop: threading.Event) -> None:
    """Serve MQTT 3.1.1 on a loopback port until `stop`.

    amqtt keeps nothing on disk and may lose what it acknowledged when a client leaves early; the
    gateways' frames are safe all the same, because only the server's own acknowledgement lets a
    gateway forget them (ADR 0002).
    """
    asyncio.run(_serve(port, account_file, stop))
