"""What the uplink is made from: the settings, the queue, and whom it asks and tells."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from edge_gateway.config import GatewayConfig
from edge_gateway.figures import LinkFigures, RemoteFigures
from edge_gateway.queue.queue_store import QueueStore
from edge_gateway.queue.timekeeper import Timekeeper
from edge_gateway.uplink.batching import Interval
from wire_contracts.clock import Clock


def _no_command(_payload: bytes) -> None:
    """Nobody takes orders in this gateway."""


def _no_interval(_device: str, _group: str) -> None:
    """Nobody knows how often a group is read."""


def _none_waiting() -> int:
    """Return that every frame is in the queue."""
    return 0


def _no_heart() -> None:
    """Nobody watches this thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UplinkParts:
    """What the uplink works with.

    Attributes:
        config: The gateway's settings.
        queue: The durable queue.
        clock: The gateway's clock.
        links: Gives the figures of all links for the health message.
        reached: Told at named points.
        timekeeper: Knows how far the clock can be trusted; None: the clock is right.
        interval: How often a register group of a device is read.
        beat: Told again and again that this thread lives.
        on_command: Takes each order of the server, in the uplink's thread: it must not wait.
        remote: Says which settings are in force, for the health message.
        unkept: How many frames wait in memory because the disk refuses.
    """

    config: GatewayConfig
    queue: QueueStore
    clock: Clock
    links: Callable[[], Sequence[LinkFigures]]
    reached: Callable[[str], None]
    timekeeper: Timekeeper | None = None
    interval: Interval = field(default=_no_interval)
    beat: Callable[[], None] = field(default=_no_heart)
    on_command: Callable[[bytes], None] = field(default=_no_command)
    remote: Callable[[], RemoteFigures] = field(default=RemoteFigures)
    unkept: Callable[[], int] = field(default=_none_waiting)
