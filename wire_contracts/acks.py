"""The server's acknowledgement: which seqs of an epoch are committed (RULINGS R3)."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

from wire_contracts.fields import FieldReader, JsonValue
from wire_contracts.frames import EARLIEST_MS, LATEST_MS, MAX_EPOCH, MAX_SEQ
from wire_contracts.payloads import dump_json

MAX_RANGES = 2000
"""Islands, and refused seqs, of one epoch that a server sends at the most: what is sent again is
acknowledged again, so that nothing waits for those that were left out."""

MAX_RANGES_READ = 50_000
"""What a gateway takes of them: a server of an earlier version sent all that it had."""

MAX_EPOCHS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochAck:
    """What is committed of one epoch.

    Attributes:
        epoch: The epoch of the gateway's queue file.
        upto: Every seq from 1 to here is committed (0: none yet).
        ranges: Committed islands above the watermark, inclusive, ascending, disjoint.
        refused: Seqs that were kept in quarantine instead, each with a stable code.
        whole_upto: Up to which seq `ranges` names every island; None: it names them all.
    """

    epoch: int
    upto: int
    ranges: Sequence[tuple[int, int]] = ()
    refused: Sequence[tuple[int, str]] = ()
    whole_upto: int | None = None

    def covers(self, seq: int) -> bool:
        """Return whether the server holds this seq, stored or in quarantine."""
        return seq <= self.upto or any(low <= seq <= high for low, high in self.ranges)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """The acknowledgement of every epoch with open frames, under one server epoch (R1).

    Attributes:
        server_epoch: Drawn anew by a restored server.
        epochs: What is committed of each epoch; empty when only the time is told.
        server_at_ms: The server's clock when it wrote this, for gateways without a time of
            their own; None from a server that does not tell.
    """

    server_epoch: int
    epochs: Sequence[EpochAck]
    server_at_ms: int | None = None


def add_seqs(ack: EpochAck, seqs: Iterable[int]) -> EpochAck:
    """Return the acknowledgement with more committed seqs, watermark advanced, islands merged.

    Order and repetition of `seqs` do not matter.
    """
    islands = sorted([*ack.ranges, *((seq, seq) for seq in seqs if seq > ack.upto)])
    upto = ack.upto
    merged: list[tuple[int, int]] = []
    for low, high in islands:
        if low <= upto + 1:
            upto = max(upto, high)
        elif merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return EpochAck(epoch=ack.epoch, upto=upto, ranges=tuple(merged), refused=ack.refused)


def add_range(ack: EpochAck, first: int, last: int) -> EpochAck:
    """Return the acknowledgement with a whole range counted as received (a gap record)."""
    widened = EpochAck(
        epoch=ack.epoch,
        upto=ack.upto,
        ranges=(*ack.ranges, (first, last)),
        refused=ack.refused,
    )
    return add_seqs(widened, ())


def fitting(ack: EpochAck, seqs: Iterable[int]) -> EpochAck:
    """Return the acknowledgement without the islands that are too many for one message.

    Those that hold one of `seqs`, what was just committed, come first, then the lowest. A gateway
    that thinned days of waiting frames has an island for every run of numbers that is left.
    """
    refused = ack.refused[:MAX_RANGES]
    if len(ack.ranges) <= MAX_RANGES:
        return replace(ack, refused=refused)
    starts = [low for low, _ in ack.ranges]
    places = (bisect_right(starts, seq) - 1 for seq in seqs)
    wanted = {at for at in places if at >= 0}
    lowest = (at for at in range(len(starts)) if at not in wanted)
    chosen = sorted(islice(chain(sorted(wanted), lowest), MAX_RANGES))
    ranges = tuple(ack.ranges[at] for at in chosen)
    first_left_out = next(at for at, place in enumerate([*chosen, -1]) if at != place)
    whole_upto = starts[first_left_out] - 1
    return replace(ack, ranges=ranges, refused=refused, whole_upto=whole_upto)


def dump_ack(ack: Ack) -> bytes:
    """Return the acknowledgement as JSON."""
    entries: list[JsonValue] = [
        {
            "ep": entry.epoch,
            "upto": entry.upto,
            "ranges": [[low, high] for low, high in entry.ranges],
            "refused": [[seq, code] for seq, code in entry.refused],
            **({} if entry.whole_upto is None else {"whole": entry.whole_upto}),
        }
        for entry in ack.epochs
    ]
    body: dict[str, JsonValue] = {"v": 1, "se": ack.server_epoch, "acks": entries}
    if ack.server_at_ms is not None:
        body["t"] = ack.server_at_ms
    return dump_json(body)


def parse_ack(root: FieldReader) -> Ack:
    """Return the acknowledgement; raise ContractError that names the field."""
    root.integer("v", low=1, high=1)
    return Ack(
        server_epoch=root.integer("se", low=0, high=MAX_EPOCH),
        epochs=tuple(_parse_epoch(reader) for reader in root.objects("acks", longest=MAX_EPOCHS)),
        server_at_ms=(
            root.integer("t", low=EARLIEST_MS, high=LATEST_MS) if root.has("t") else None
        ),
    )


def _parse_epoch(reader: FieldReader) -> EpochAck:
    pairs = [_pair(reader, "ranges", index) for index in _indices(reader, "ranges")]
    refused = [_pair(reader, "refused", index) for index in _indices(reader, "refused")]
    return EpochAck(
        epoch=reader.integer("ep", low=0, high=MAX_EPOCH),
        upto=reader.integer("upto", low=0, high=MAX_SEQ),
        ranges=tuple((pair.integer("0", low=1, high=MAX_SEQ), _high(pair)) for pair in pairs),
        refused=tuple((pair.integer("0", low=1, high=MAX_SEQ), pair.text("1")) for pair in refused),
        whole_upto=reader.integer("whole", low=0, high=MAX_SEQ) if reader.has("whole") else None,
    )


def _high(pair: FieldReader) -> int:
    return pair.integer("1", low=pair.integer("0", low=1, high=MAX_SEQ), high=MAX_SEQ)


def _indices(reader: FieldReader, key: str) -> range:
    return range(len(reader.array(key, longest=MAX_RANGES_READ)) if reader.has(key) else 0)


def _pair(reader: FieldReader, key: str, index: int) -> FieldReader:
    value = reader.array(key, longest=MAX_RANGES_READ)[index]
    items = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
    return FieldReader(
        place=reader.place,
        values={str(position): item for position, item in enumerate(items)},
        path=f"{reader.name_of(key)}[{index}]",
    )
