"""Two tablets of one crew, both without a network, that tell two causes of one fault.

What comes of it is a real conflict: the server keeps both words, and the office decides.
"""

from field_app.crew import HeadlessCrew
from wire_contracts.findings import Cause
from wire_contracts.kinds import FindingResult

_FIRST = (Cause.COMMUNICATION, "通讯线松动，已紧固。Cable tightened.")
_SECOND = (Cause.POWER_SUPPLY, "供电模块坏，已更换。Power module replaced.")


def disagree(first: HeadlessCrew, second: HeadlessCrew) -> bool:
    """Let both end the crew's first order out of reach; False while there is none to end.

    The first begins the work, and both have heard of that before they go down; the first comes up
    first.
    """
    order_id = _shared(first, second)
    if order_id is None:
        return False
    first.go_to_work(order_id)
    for each in (first, second):
        each.sync_now()
    for each in (first, second):
        each.go_offline()
    for each, (cause, note) in zip((first, second), (_FIRST, _SECOND), strict=True):
        each.finish(order_id, FindingResult.INACCURATE, cause, note=note)
    for each in (first, second):
        each.go_online()
        each.sync_now()
    return True


def _shared(first: HeadlessCrew, second: HeadlessCrew) -> str | None:
    """Return the first order that stands open on both tablets."""
    for each in (first, second):
        each.sync_now()
    known = {line.order_id for line in second.open_orders()}
    return next((line.order_id for line in first.open_orders() if line.order_id in known), None)
