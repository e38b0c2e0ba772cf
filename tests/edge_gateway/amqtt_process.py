"""The embedded broker on a loopback port, until the process is ended."""

import asyncio
import sys

from amqtt.broker import Broker


async def main() -> None:
    """Serve anonymous clients on the port in the first argument."""
    anonymous = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
    listener = {"type": "tcp", "bind": f"127.0.0.1:{sys.argv[1]}"}
    broker = Broker({"listeners": {"default": listener}, "plugins": anonymous})
    await broker.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
