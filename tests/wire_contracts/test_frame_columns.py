"""Frames as columns say what they say one by one."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonObject, JsonValue
from wire_contracts.frame_columns import SplitBatch, split_batch
from wire_contracts.frames import (
    Frame,
    GapRecord,
    frame_json,
    gap_json,
    ms_from_utc,
    parse_batch,
)
from wire_contracts.quality import BAD_TIMEOUT
from wire_contracts.quantities import Quantity

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
VOLUME, FLOW = Quantity.VOLUME_M3, Quantity.FLOW_M3H
ODD: Sequence[JsonValue] = (
    None, True, False, -1, 0, 1, 2**53, 2**64, 1e308, 1.0, "", "x", "\0", "a" * 90, "AAE=",
    [], {}, [1], {"flow_m3h": 1}, {"flow_m3h": True}, {"colour": 1.0}, {"flow_m3h": "suspect_rate"},
)  # fmt: skip


def _frame(seq: int) -> Frame:
    return Frame(
        seq=seq,
        device=f"D-{seq}",
        measured_at_utc=NOON + timedelta(minutes=seq),
        profile="tuf_2000m@2",
        group="fast",
        values={VOLUME: 10.0 + seq, FLOW: 1.5},
        raw=bytes([seq]) if seq % 2 else None,
    )


def _root(bodies: Sequence[JsonObject]) -> FieldReader:
    values: JsonObject = {"v": 1, "gw": "gw-01", "ep": 7, "f": list(bodies)}
    return FieldReader(place="gateway gw-01", values=values)


def _one_by_one(split: SplitBatch) -> list[Frame]:
    """Return the frames of the columns, made of what the columns say."""
    columns = split.columns
    return [
        Frame(
            seq=columns.seqs[at],
            device=columns.devices[at],
            measured_at_utc=NOON + timedelta(milliseconds=columns.instants_ms[at] - _NOON_MS),
            profile=columns.profiles[at],
            group=columns.groups[at],
            values={Quantity(name): columns.values[at][name] for name in columns.names[at]},
            raw=columns.raws[at],
        )
        for at in range(len(columns.seqs))
    ]


_NOON_MS = ms_from_utc(NOON)


def test_ordinary_frames_become_columns() -> None:
    frames = [_frame(seq) for seq in range(1, 6)]
    split = split_batch(_root([*map(frame_json, frames)]))

    assert split is not None
    assert _one_by_one(split) == frames
    assert (split.odd.frames, split.gaps, list(split.seqs)) == ((), (), [1, 2, 3, 4, 5])


def test_what_is_not_ordinary_stands_beside_the_columns() -> None:
    timeout = replace(_frame(2), values={}, quality={VOLUME: BAD_TIMEOUT})
    gap = GapRecord(seq=4, first=1, last=3, count=2, why="disk full")
    bodies = [frame_json(_frame(1)), frame_json(timeout), frame_json(_frame(3)), gap_json(gap)]
    split = split_batch(_root([*bodies, {"s": 5, "d": "D-5"}, frame_json(_frame(6))]))

    assert split is not None
    assert _one_by_one(split) == [_frame(1), _frame(3), _frame(6)]
    assert (split.odd.frames, split.gaps) == ([timeout], [gap])
    assert [each.seq for each in split.odd.rejected] == [5]
    assert list(split.seqs) == [1, 2, 3, 4, 5, 6]


def test_a_frame_that_came_late_is_as_ordinary_as_one_in_time() -> None:
    split = split_batch(_root([frame_json(replace(_frame(1), is_historical=True))]))

    assert split is not None
    assert _one_by_one(split) == [_frame(1)]


@pytest.mark.parametrize("seqs", [(2, 1), (1, 1), ()])
def test_numbers_that_do_not_ascend_are_judged_one_by_one(seqs: Sequence[int]) -> None:
    assert split_batch(_root([frame_json(_frame(seq)) for seq in seqs])) is None


@given(
    changes=st.lists(
        st.dictionaries(
            st.sampled_from(["s", "d", "t", "p", "g", "v", "q", "e", "raw", "tq", "h", "x", "gap"]),
            st.sampled_from(ODD),
            max_size=2,
        ),
        max_size=4,
    )
)
def test_whatever_stands_in_a_frame_no_frame_is_read_in_two_ways(
    changes: list[dict[str, JsonValue]],
) -> None:
    bodies = [frame_json(_frame(seq)) for seq in range(1, 6)]
    root = _root([{**body, **change} for body, change in zip(bodies, [*changes, {}], strict=False)])
    split = split_batch(root)
    if split is None:
        assert _does_not_ascend(root)
        return

    whole = parse_batch(root)
    ways = {frame.seq: frame for frame in (*_one_by_one(split), *split.odd.frames)}
    assert ways == {frame.seq: frame for frame in whole.frames}
    assert list(split.gaps) == list(whole.gaps)
    assert list(split.odd.rejected) == list(whole.rejected)
    assert split.frames(split.columns.seqs) == _one_by_one(split)


def _does_not_ascend(root: FieldReader) -> bool:
    try:
        parse_batch(root)
    except ContractError:
        return True
    seqs = [reader.integer("s", low=1, high=2**63) for reader in root.objects("f", longest=50)]
    return seqs != sorted(set(seqs))
