"""What must hold of the crews' words at rest, by the true time and by who truly had the order."""

from collections.abc import Iterator
from itertools import groupby

from sync_server.sync.event_time import SUSPECT_OFFSET
from tests.sync_simulation.ledgers import ServerAtRest
from tests.sync_simulation.lost_days import LostOrder
from tests.sync_simulation.tablets import MadeOperation
from tests.sync_simulation.world import World
from wire_contracts.operations import Outcome
from wire_contracts.orders import ENTITY, FIELD_OWNED, order_json
from wire_contracts.work_order_states import WorkOrderState

_SLACK_MS = SUSPECT_OFFSET.total_seconds() * 1000
_TAKEN = {Outcome.APPLIED, Outcome.MERGED, Outcome.NOOP}


def no_earlier_word_stands(world: World, found: ServerAtRest) -> list[str]:
    """I17: of a crew's field the latest word by the true time stands.

    Where no clock that the server was told of can know which it is, both are with somebody; so is
    the later word of a crew that had lost the order, where a restored server took it first.
    """
    unclear, kept = _unclear_boots(world), _kept(world, found)
    words = [made for made in world.made.values() if _is_taken_word(made, found)]
    broken: list[str] = []
    for place, taken in groupby(sorted(words, key=_place), key=_place):
        order = found.orders.get(place[0])
        if order is None:
            continue
        stands = order_json(order.document)[place[1]]
        for mine, latest in _overtaken(list(taken), stands):
            is_clear = not {_boot(mine), _boot(latest)} & unclear
            is_clear &= found.ledger[latest.op_id].is_word  # else of who had lost the order
            if is_clear or (place, str(latest.body["new"])) not in kept:
                broken.append(_overtaken_text(mine, latest))
    return broken


def _kept(world: World, found: ServerAtRest) -> set[tuple[tuple[str, str], str]]:
    """Return the words that somebody is asked about, with the field that they are of."""
    return {
        (_place(made), str(value))
        for made in world.made.values()
        if made.op_id in found.conflicts and made.op_id in found.reviewed
        for value in (found.conflicts[made.op_id].office, found.conflicts[made.op_id].crew)
    }


def _place(made: MadeOperation) -> tuple[str, str]:
    return str(made.body["id"]), made.field


def _is_taken_word(made: MadeOperation, found: ServerAtRest) -> bool:
    line = found.ledger.get(made.op_id)
    is_word = made.kind == "set" and made.body["entity"] == ENTITY and made.field in FIELD_OWNED
    return is_word and line is not None and line.outcome in _TAKEN


def _unclear_boots(world: World) -> set[tuple[str, str]]:
    """Return the boots of tablets of which a time was off by more than is flagged."""
    return {_boot(made) for made in world.made.values() if abs(made.error_ms) > _SLACK_MS}


def _boot(made: MadeOperation) -> tuple[str, str]:
    return made.made_by, str(made.at["boot_id"])


def _overtaken(
    taken: list[MadeOperation], stands: object
) -> Iterator[tuple[MadeOperation, MadeOperation]]:
    standing = [made for made in taken if made.body["new"] == stands]
    if not standing:
        return  # the office began the work anew, and nobody has written since
    mine = max(standing, key=lambda made: made.made_at_ms)
    latest = max(taken, key=lambda made: made.made_at_ms)
    if latest.made_at_ms > mine.made_at_ms + _SLACK_MS:
        yield mine, latest


def _overtaken_text(mine: MadeOperation, latest: MadeOperation) -> str:
    late_min = (latest.made_at_ms - mine.made_at_ms) // 60_000
    return (
        f"{mine.field} of {mine.body['id']} is {mine.body['new']!r} of {mine.made_by},"
        f" {latest.made_by} wrote {latest.body['new']!r} {late_min} min later"
    )


def whoever_had_the_order_has_done_it(world: World, found: ServerAtRest) -> list[str]:
    """I18: after a restore the work of the crew that truly had the order counts.

    Whichever tablet comes first. What it finished is finished, and none of its steps is refused.
    """
    broken: list[str] = []
    for lost in world.lost_orders:
        broken += _refused(world, found, lost)
        broken += _unfinished(world, found, lost)
    return broken


def _refused(world: World, found: ServerAtRest, lost: LostOrder) -> Iterator[str]:
    unclear = _unclear_boots(world)
    if lost.order_id not in found.orders and not world.held.get(lost.order_id):
        return  # made after the backup, and no tablet has it any more
    for op_id in lost.work:
        made, line = world.made.get(op_id), found.ledger.get(op_id)
        if made is None or line is None or line.outcome in _TAKEN:
            continue
        is_word = line.outcome == Outcome.CONFLICT
        if is_word and (_boot(made) in unclear or _has_later(world, found, made)):
            continue  # both values are with somebody (I8)
        yield f"{made.field} of {lost.order_id} by {made.made_by}, whose it is: {line.code}"


def _has_later(world: World, found: ServerAtRest, made: MadeOperation) -> bool:
    return any(
        _is_taken_word(each, found)
        and _place(each) == _place(made)
        and each.made_at_ms > made.made_at_ms - _SLACK_MS
        for each in world.made.values()
    )


def _unfinished(world: World, found: ServerAtRest, lost: LostOrder) -> Iterator[str]:
    order = found.orders.get(lost.order_id)
    if order is None or lost.finish not in world.made or lost.finish not in found.ledger:
        return
    if order.state is not WorkOrderState.FINISHED or order.document.crew_id != lost.crew_id:
        yield f"{lost.order_id}, finished by {lost.crew_id}: {order.state} {order.document.crew_id}"
