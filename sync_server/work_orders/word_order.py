"""Decides which of two words of crews came later, also where a clock must be doubted."""

from sync_server.work_orders.order import Fact


def is_surely_after(later: Fact, earlier: Fact) -> bool:
    """Return whether `later` was told after `earlier` happened, whatever any clock said.

    Of one copy of a tablet's store its own count decides, else the corrected times. A doubted time
    proves little: what it says happened after the server's last word before the tap, at some moment
    until the receipt. Where neither can be told from the other, the answer is no.
    """
    if later.n and earlier.n and later.replica_id and later.replica_id == earlier.replica_id:
        return later.n > earlier.n
    if not (later.is_time_doubtful or earlier.is_time_doubtful):
        return (later.happened_at_utc, later.fact_id) > (earlier.happened_at_utc, earlier.fact_id)
    begins_utc = later.word_utc if later.is_time_doubtful else later.happened_at_utc
    ends_utc = earlier.received_at_utc if earlier.is_time_doubtful else earlier.happened_at_utc
    return begins_utc is not None and begins_utc >= ends_utc
