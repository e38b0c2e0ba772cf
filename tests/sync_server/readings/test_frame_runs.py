"""Runs of the ledger say of each frame what a single entry would."""

from hypothesis import given
from hypothesis import strategies as st

from sync_server.readings.frame_runs import HASH_BYTES, LONGEST, entries_of, runs_of

KEY = ("gw-01", 7)


@given(
    hashes=st.dictionaries(
        st.integers(1, 150), st.integers(-(2**63), 2**63 - 1), min_size=0, max_size=120
    ),
    aside=st.sets(st.integers(1, 150), max_size=5),
)
def test_every_frame_but_those_aside_is_in_one_run(hashes: dict[int, int], aside: set[int]) -> None:
    seqs = sorted(hashes)
    digests = b"".join(hashes[seq].to_bytes(HASH_BYTES, "big", signed=True) for seq in seqs)

    runs = runs_of(KEY, seqs, digests, aside)

    entries = [entry for run in runs for entry in entries_of(run)]
    assert entries == [((*KEY, seq), hashes[seq]) for seq in seqs if seq not in aside]
    assert all(last - first < LONGEST for _, _, first, last, _ in runs)
