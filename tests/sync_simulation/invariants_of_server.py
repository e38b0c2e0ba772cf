"""What must hold of the server once everything has come to rest."""

from collections.abc import Iterator

from tests.sync_simulation.crews import TOO_DEEP_MARK
from tests.sync_simulation.ledgers import ServerAtRest
from tests.sync_simulation.tablets import MadeOperation
from tests.sync_simulation.world import World
from wire_contracts.operations import Outcome
from wire_contracts.orders import FIELD_OWNED, OFFICE_OWNED, order_json
from wire_contracts.review_outcomes import COUNTS_NOW
from wire_contracts.work_order_states import WORK_ORDER, WorkOrderEvent, WorkOrderState

_TAKEN = {Outcome.APPLIED, Outcome.MERGED}
_DONE = {*_TAKEN, Outcome.NOOP}
_ASIDE = {Outcome.REFUSED, Outcome.CONFLICT}


def every_operation_has_one_terminal_outcome(world: World, found: ServerAtRest) -> list[str]:
    """I1: every operation durable in an outbox is in the ledger, exactly once, terminal.

    What no server can read stays on its tablet, in sight, and in nobody's way; from a tablet that
    was withdrawn it is kept as it came.
    """
    unread = [made for made in world.made.values() if made.op_id not in found.ledger]
    broken = [
        f"{made.op_id} ({made.kind} {made.field}) of {made.made_by} is lost"
        for made in unread
        if not (is_too_deep(made) and _is_in_sight(world, found, made))
    ]
    known = set(Outcome)
    broken += [
        f"{op_id} has no outcome"
        for op_id, line in found.ledger.items()
        if line.outcome not in known
    ]
    for tablet in world.tablets:
        for op_id, outcome, decision in tablet.rows(
            "SELECT op_id, outcome, decision FROM outbox_op"
            " WHERE status IN ('received', 'shown', 'refused')"
        ):
            line, is_late = found.ledger.get(str(op_id)), COUNTS_NOW in str(decision)
            if line is None or line.outcome == outcome or is_late:
                continue
            if outcome in _ASIDE and line.outcome in _ASIDE:
                continue  # judged again once its order was there: without effect all the same
            if not _is_judged_anew(found, str(op_id), {str(outcome), line.outcome}):
                broken.append(f"{op_id}: {tablet.name} was told {outcome}, not {line.outcome}")
    return broken


def _is_judged_anew(found: ServerAtRest, op_id: str, outcomes: set[str]) -> bool:
    """Return whether a repeat of before a restore was judged again when others had come.

    Whether its step or word was a repeat itself changes nothing; of all else somebody hears.
    """
    return op_id in found.repeated and (outcomes <= _DONE or op_id in found.reviewed)


def is_too_deep(made: MadeOperation) -> bool:
    return TOO_DEEP_MARK in str(made.body.get("payload"))


def _is_in_sight(world: World, found: ServerAtRest, made: MadeOperation) -> bool:
    if made.op_id in found.kept_sealed:
        return True
    query = "SELECT 1 FROM outbox_op WHERE op_id = ? AND status = 'held' AND look = 1"
    return any(tablet.rows(query, made.op_id) for tablet in world.tablets)


def every_effect_happened_once(world: World, found: ServerAtRest) -> list[str]:
    """I2: effects == distinct applied op_ids."""
    broken = [
        f"{op_id} took effect {count} times"
        for effects in (found.events, found.fact_ops)  # an order that is asked for is both
        for op_id, count in effects.items()
        if count > 1
    ]
    for made in world.made.values():
        line = found.ledger.get(made.op_id)
        if line is None or line.outcome != Outcome.APPLIED or made.kind == "set":
            continue
        effects = found.events if made.kind == "go" else found.fact_ops
        if effects[made.op_id] != 1:
            broken.append(f"{made.op_id} ({made.kind}) was applied without an effect")
    notes = "\n".join(order.document.note for order in found.orders.values())
    remarks = [*world.crews.notes, *world.office.memory.notes]
    broken += [f"remark {note!r} stands twice" for note in remarks if notes.count(note) > 1]
    return broken


def facts_never_change_vanish_or_depend_on_order(world: World, found: ServerAtRest) -> list[str]:
    """I6: facts are immutable, never vanish, and are never refused for order of arrival."""
    broken: list[str] = []
    for made in world.made.values():
        line = found.ledger.get(made.op_id)
        if made.kind != "fact" or made.op_id in world.crews.poisons or line is None:
            continue
        fact_id = str(made.body["id"])
        if line.outcome not in {Outcome.APPLIED, Outcome.NOOP}:
            broken.append(f"fact {fact_id} was {line.outcome}: {line.code}")
        elif found.facts.get(fact_id) != made.body["payload"]:
            broken.append(f"fact {fact_id} is not what the crew wrote")
    return broken


def every_history_is_a_path_of_the_life_cycle(world: World, found: ServerAtRest) -> list[str]:
    """I7: the status history is a path in the graph."""
    del world
    broken: list[str] = []
    for order_id, order in found.orders.items():
        state = WorkOrderState.PLANNED
        for step in found.steps[order_id]:
            is_edge = WORK_ORDER.table.get((state, step.event)) is step.to_state
            if step.from_state is not state or not is_edge:
                broken.append(f"{order.document.number}: {step.event} from {state}")
            state = step.to_state
        if state is not order.state:
            broken.append(f"{order.document.number} is {order.state}, its path ends {state}")
    return broken


def no_word_is_lost(world: World, found: ServerAtRest) -> list[str]:
    """I8: every value is final, causally overwritten, or kept; what is not applied is reviewed."""
    return [
        *_unreviewed(found),
        *_lost_values(world, found),
        *_lost_office_values(world, found),
        *_lost_remarks(world, found),
    ]


def _unreviewed(found: ServerAtRest) -> Iterator[str]:
    for op_id, line in found.ledger.items():
        if line.outcome in _ASIDE and op_id not in found.reviewed:
            yield f"{op_id} was {line.outcome}, and nobody is told to look"
        if line.outcome in _ASIDE | {Outcome.MERGED} and op_id not in found.kept:
            yield f"{op_id} was {line.outcome}, and its content is not kept"


def _lost_values(world: World, found: ServerAtRest) -> Iterator[str]:
    """Find crews' values that neither stand, nor were seen by who overwrote them, nor are kept."""
    known: set[tuple[str, str, str]] = {
        (order_id, name, str(value))
        for order_id, order in found.orders.items()
        for name, value in order_json(order.document).items()
    }
    for made in world.made.values():
        order_id, name = str(made.body["id"]), made.field
        conflict = found.conflicts.get(made.op_id)
        if conflict is not None:
            known |= {(order_id, name, str(value)) for value in (conflict.office, conflict.crew)}
        line = found.ledger.get(made.op_id)
        if line is not None and line.outcome in _TAKEN:
            known.add((order_id, name, str(made.body.get("old"))))
    for made in world.made.values():
        order_id, name, value = str(made.body["id"]), made.field, str(made.body.get("new"))
        line = found.ledger.get(made.op_id)
        is_ours = made.kind == "set" and name in FIELD_OWNED | OFFICE_OWNED
        is_in = line is not None and line.outcome != Outcome.REFUSED
        if name in _BEGUN_ANEW and _is_reopened(found, order_id):
            continue  # the office closed the order with it and let the work begin anew
        if is_ours and is_in and (order_id, name, value) not in known:
            yield f"{name} of {order_id}: {value!r} of {made.made_by} is nowhere"


_BEGUN_ANEW = {"result", "cause"}


def _is_reopened(found: ServerAtRest, order_id: str) -> bool:
    return any(step.event is WorkOrderEvent.REOPEN for step in found.steps.get(order_id, []))


def _lost_office_values(world: World, found: ServerAtRest) -> Iterator[str]:
    for (order_id, name), value in world.office.memory.values.items():
        order = found.orders.get(order_id)
        if order is not None and order_json(order.document)[name] != value:
            yield f"{name} of {order_id}: the office's {value!r} was overwritten"


def _lost_remarks(world: World, found: ServerAtRest) -> Iterator[str]:
    notes = "\n".join(order.document.note for order in found.orders.values())
    kept = "\n".join(str(conflict.crew) for conflict in found.conflicts.values())
    for note, op_id in world.crews.notes.items():
        line = found.ledger.get(op_id)
        is_refused = line is not None and line.outcome == Outcome.REFUSED  # and kept: `_unreviewed`
        if line is not None and not is_refused and note not in notes and note not in kept:
            yield f"remark {note!r} of a crew is nowhere"
    for note in world.office.memory.notes:
        if note not in notes:
            yield f"remark {note!r} of the office is nowhere"


def the_author_is_who_was_logged_in(world: World, found: ServerAtRest) -> list[str]:
    """I10: ledger.actor == the user logged in at creation."""
    return [
        f"{made.op_id} is {found.ledger[made.op_id].actor}'s, not {made.actor}'s"
        for made in world.made.values()
        if made.op_id in found.ledger and found.ledger[made.op_id].actor != made.actor
    ]


def every_record_takes_a_tablets_taps_in_their_order(
    world: World, found: ServerAtRest
) -> list[str]:
    """I16 (sync spec complaint 16): what a tablet did to a record is decided as it was done.

    Pushed or sealed. A tablet of which there were two, and a server that was restored while taps
    were on their way, have more than one order.
    """
    broken: list[str] = []
    latest: dict[tuple[str, str], tuple[int, str]] = {}
    for made in world.made.values():
        line = found.ledger.get(made.op_id)
        if line is None or world.restores or made.made_by in world.doubled:
            continue
        key = (made.made_by, _record_of(made))
        arrival, op_id = latest.get(key, (line.arrival, made.op_id))
        if line.arrival < arrival:
            broken.append(f"{made.op_id} of {key} was decided before {op_id}, which was earlier")
        latest[key] = max((arrival, op_id), (line.arrival, made.op_id))
    return broken


def _record_of(made: MadeOperation) -> str:
    payload = made.body.get("payload")
    order_id = payload.get("order_id") if isinstance(payload, dict) else None
    return str(order_id or made.body["id"])


def every_order_that_was_shown_is_there(world: World, found: ServerAtRest) -> list[str]:
    """I19: an order that a tablet had been shown when the server was lost is there again.

    By the backup, by who had asked for it, or by a person who was asked because of the tablet.
    """
    return [
        f"order {order_id}, which {', '.join(sorted(names))} had, is nowhere"
        for order_id, names in world.held.items()
        if names and order_id not in found.orders
    ]
