"""Three RabbitMQ nodes with the MQTT plugin, from Debian, and one address in front of them.

The nodes are processes of the test on the loopback, with a name service (epmd) of their own. A site
puts a balancer before its nodes; here a small one sends each connection to the next living node.
"""

import asyncio
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tests.free_ports import free_port
from tests.sync_server.real_parts import wait_until

HOMES = sorted(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*"))
"""Where Debian puts it; empty: it is not installed."""

NODES = 3
START_WITHIN_S = 240.0
_LOOPBACK = "127.0.0.1"


class RabbitCluster:
    """The nodes; `port` is the balancer's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._epmd_port = free_port()
        self._nodes: dict[int, subprocess.Popen[bytes]] = {}
        self._mqtt_ports = {number: free_port() for number in range(1, NODES + 1)}
        self._dist_ports = {number: free_port() for number in range(1, NODES + 1)}
        self._epmd = subprocess.Popen(
            ["epmd", "-address", _LOOPBACK, "-port", str(self._epmd_port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for number in range(1, NODES + 1):
            self.start(number)
        wait_until(self.is_whole, within_s=START_WITHIN_S)
        self._balancer = Balancer(list(self._mqtt_ports.values()))
        self.port = self._balancer.port

    def start(self, number: int) -> None:
        """Start a node; one that was there before joins the others again."""
        place = self._folder / f"node{number}"
        place.mkdir(exist_ok=True)
        (place / "rabbitmq.conf").write_text(self._settings(number))
        (place / "plugins").write_text("[rabbitmq_mqtt].\n")
        cookie = self._folder / ".erlang.cookie"
        if not cookie.exists():
            cookie.write_text("ONLYFORTHISTEST")
            cookie.chmod(0o400)
        with (place / "out").open("ab") as out:
            self._nodes[number] = subprocess.Popen(
                [str(HOMES[-1] / "sbin/rabbitmq-server")],
                env=os.environ | self._environment(number, place),
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self, number: int) -> None:
        """End a node as a lost machine does."""
        os.killpg(self._nodes[number].pid, signal.SIGKILL)
        self._nodes[number].wait(60)

    def is_whole(self) -> bool:
        """Return whether every node runs and sees all others."""
        asked = subprocess.run(
            [str(HOMES[-1] / "sbin/rabbitmqctl"), "-n", _name(1), "cluster_status"],
            env=os.environ | self._environment(1, self._folder / "node1"),
            capture_output=True,
            text=True,
            check=False,
        )
        running = asked.stdout.partition("Running Nodes")[2].partition("Versions")[0]
        return all(_name(number) in running for number in range(1, NODES + 1)) and all(
            _answers(port) for port in self._mqtt_ports.values()
        )

    def close(self) -> None:
        """End everything."""
        self._balancer.close()
        for node in self._nodes.values():
            if node.poll() is None:
                os.killpg(node.pid, signal.SIGKILL)
                node.wait(60)
        self._epmd.terminate()
        self._epmd.wait(10)

    def _settings(self, number: int) -> str:
        names = "".join(
            f"cluster_formation.classic_config.nodes.{each} = {_name(each)}\n"
            for each in range(1, NODES + 1)
        )
        return (
            "listeners.tcp = none\n"
            f"mqtt.listeners.tcp.1 = {_LOOPBACK}:{self._mqtt_ports[number]}\n"
            "mqtt.allow_anonymous = true\n"
            "mqtt.default_user = guest\n"
            "mqtt.default_pass = guest\n"
            "mqtt.durable_queue_type = quorum\n"
            "cluster_formation.peer_discovery_backend = classic_config\n"
            f"{names}"
            "cluster_partition_handling = pause_minority\n"
            "vm_memory_high_watermark.absolute = 512MB\n"
            "disk_free_limit.absolute = 50MB\n"
        )

    def _environment(self, number: int, place: Path) -> Mapping[str, str]:
        return {
            "HOME": str(self._folder),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": _LOOPBACK,
            "RABBITMQ_NODENAME": _name(number),
            "RABBITMQ_DIST_PORT": str(self._dist_ports[number]),
            "RABBITMQ_MNESIA_BASE": str(place / "data"),
            "RABBITMQ_LOG_BASE": str(place / "log"),
            "RABBITMQ_CONFIG_FILE": str(place / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(place / "plugins"),
            "RABBITMQ_CONF_ENV_FILE": str(place / "none"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none"
            ),
        }


class Balancer:
    """One address; each connection goes on to the next node that answers."""

    def __init__(self, ports: list[int]) -> None:
        self.port = free_port()
        self._ports = ports
        self._turn = 0
        self._loop = asyncio.new_event_loop()
        self._is_up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="balancer")
        self._thread.start()
        self._is_up.wait(10)

    def close(self) -> None:
        """Cut every connection."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        listening = asyncio.start_server(self._serve, _LOOPBACK, self.port)
        server = self._loop.run_until_complete(listening)
        self._is_up.set()
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(_cut_all())
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = None
        try:
            for _ in self._ports:
                self._turn += 1
                port = self._ports[self._turn % len(self._ports)]
                with suppress(OSError):
                    there = await asyncio.open_connection(_LOOPBACK, port)
                    break
            if there is not None:
                to_node, to_client = _pump(reader, there[1]), _pump(there[0], writer)
                await asyncio.gather(to_node, to_client)
        finally:
            writer.close()
            if there is not None:
                there[1].close()


async def _cut_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    sink.close()


def _name(number: int) -> str:
    return f"rabbit{number}@localhost"


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection((_LOOPBACK, port), timeout=1):
        return True
    return False
