"""The poke: a stream of events that says that something changed, never what (sync spec 1.2)."""

from collections.abc import Iterator
from dataclasses import dataclass

from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.fields import MAX_VERSION
from wire_contracts.payloads import dump_json, read_json

POKE_PATH = "/sync/v1/poke"
"""`GET`, with a tablet's token: an endless answer of server-sent events."""

POKE_CONTENT_TYPE = "text/event-stream"

POKE_EVENT = "poke"

BEAT = ": beat\n\n"
"""A comment, which no reader of events takes for one."""

BEAT_S = 25.0
"""Wall seconds between two beats: mobile networks forget a silent connection after 30 to 60."""

LONGEST_EVENT = 4096
"""Characters; what goes on longer without an end is not the stream of our server."""

_MAX_SEQ = 2**53


@dataclass(frozen=True, slots=True, kw_only=True)
class Poke:
    """The last change of the tablet's buckets; `protocol` is the version it is written in."""

    seq: int
    protocol: int


def dump_poke(poke: Poke) -> str:
    """Return the poke as the text of one event."""
    body = dump_json({"v": poke.protocol, "seq": poke.seq}).decode()
    return f"event: {POKE_EVENT}\ndata: {body}\n\n"


class PokeReader:
    """Takes a stream in pieces as they come; gives the pokes that are complete."""

    def __init__(self) -> None:
        """Begin with nothing read."""
        self._rest = ""

    def feed(self, piece: str) -> Iterator[Poke]:
        """Yield the pokes that this piece completes; events of other names are passed over.

        Raises:
            ContractError: The stream is not one of our server.
        """
        *events, self._rest = (self._rest + piece.replace("\r", "")).split("\n\n")
        for event in events:
            poke = _parse_event(event)
            if poke is not None:
                yield poke
        if len(self._rest) > LONGEST_EVENT:
            raise ContractError(
                place="poke",
                field="event",
                problem=f"has no end after {LONGEST_EVENT} characters",
                remedy="this is not the stream of the server; try again later",
                code=Code.PAYLOAD_TOO_LARGE,
            )


def _parse_event(event: str) -> Poke | None:
    fields: dict[str, str] = {}
    for line in event.split("\n"):
        name, _, value = line.partition(":")
        fields[name] = value.removeprefix(" ")
    return _parse_data(fields.get("data", "")) if fields.get("event") == POKE_EVENT else None


def _parse_data(data: str) -> Poke:
    root = read_json("poke", data.encode(errors="replace"))
    return Poke(
        seq=root.integer("seq", low=0, high=_MAX_SEQ),
        protocol=root.integer("v", low=1, high=MAX_VERSION),
    )
