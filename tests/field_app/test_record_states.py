"""What one record shows of its way to the server, of several things the one that matters most."""

import pytest

from field_app.store.record_states import OpStatus, RecordState, RecordTraces, record_state


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        (OpStatus.QUEUED, RecordState.QUEUED),
        (OpStatus.SENDING, RecordState.SENDING),
        (OpStatus.HELD, RecordState.LOOK_HERE),
        (OpStatus.RECEIVED, RecordState.DRAFT),
        (OpStatus.SHOWN, RecordState.DRAFT),
    ],
)
def test_a_draft_never_hides_that_taps_wait(status: OpStatus, shown: RecordState) -> None:
    traces = RecordTraces(statuses=frozenset({status, OpStatus.SHOWN}), has_draft=True)

    assert record_state(traces) is shown


def test_what_is_received_comes_before_photos_that_wait_and_those_before_what_is_shown() -> None:
    received = RecordTraces(statuses=frozenset({OpStatus.RECEIVED}), photos_total=2, photos_done=1)
    shown = RecordTraces(statuses=frozenset({OpStatus.SHOWN}), photos_total=2, photos_done=1)

    assert record_state(received) is RecordState.RECEIVED
    assert record_state(shown) is RecordState.PHOTO_PENDING


def test_what_was_refused_and_seen_is_nothing_of_ours() -> None:
    traces = RecordTraces(statuses=frozenset({OpStatus.REFUSED}))

    assert record_state(traces) is RecordState.UNTOUCHED
