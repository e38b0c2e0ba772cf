"""Makes the strict Modbus link of a URL: the line, the framing, one transaction at a time."""

from dataclasses import dataclass
from typing import Protocol

from edge_gateway.links.answers import Answer
from edge_gateway.links.link_counts import LinkCounts
from edge_gateway.links.link_url import LinkUrl, TcpUrl
from edge_gateway.links.modbus_io import Link
from firmware_profiles.words import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkQuirks:
    """What a line's meters or adapters need beside the protocol.

    Attributes:
        after_connect_s: Wall seconds of silence after the line was opened.
        echo: Whether the adapter repeats what we send before the answer comes.
    """

    after_connect_s: float = 0.0
    echo: bool = False


class ModbusLink(Protocol):
    """One line that speaks Modbus; used by one thread, one request at a time.

    Attributes:
        counts: What the line has done.
    """

    counts: LinkCounts

    def transact(
        self, device_address: int, block: Span, *, deadline_s: float | None = None
    ) -> Answer:
        """Return the words (bits as 0 and 1) of one request, or why there are none.

        Never raises for what a meter, an adapter or the network does. It asks once, and once
        more after exception 6; repetitions belong to the caller.

        Args:
            device_address: Unit identifier, 0..255.
            block: What to read.
            deadline_s: Wall seconds from the end of the request to the end of the answer; None:
                the link's time-out, on a serial line plus the time that the bytes take.
        """
        ...

    def close(self) -> None:
        """Close the line; the next transaction opens it again."""
        ...


def open_link(url: LinkUrl, *, timeout_s: float, quirks: LinkQuirks | None = None) -> ModbusLink:
    """Return the link of a URL; nothing is opened before the first transaction.

    Args:
        url: The line, of a kind that carries Modbus.
        timeout_s: Wall seconds to wait for an answer where the caller names no deadline.
        quirks: What its meters and adapters need; None: nothing.

    Raises:
        KeyError: The URL is of another protocol.
    """
    del quirks
    if not isinstance(url, TcpUrl):
        raise KeyError(url)
    return Link(url.host, url.port, timeout_s)
