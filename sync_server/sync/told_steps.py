"""What a sender's own steps and words say it knew of the server, per order: for a restore."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sync_server.sync.effects import Repeat, had_until_ms
from sync_server.sync.inbox import Broken, Entry
from wire_contracts.frames import utc_from_ms
from wire_contracts.operations import NO_EFFECT, Operation, OperationKind
from wire_contracts.orders import FIELD_OWNED
from wire_contracts.work_order_states import CREW_EVENTS, WorkOrderEvent

_ON_ORDERS = frozenset({OperationKind.GO, OperationKind.SET})


def finish_of(group: Iterable[Entry], told: Mapping[str, int]) -> int | None:
    """Return when a former server took the step of a user action that finished a visit."""
    steps = (each for each in group if isinstance(each, Operation))
    finishes = (each for each in steps if each.kind is OperationKind.GO and each.field == _FINISH)
    return next((told[each.op_id] or None for each in finishes if each.op_id in told), None)


_FINISH = str(WorkOrderEvent.FINISH)


def told_by_action(groups: Iterable[Sequence[Entry]], told: Mapping[str, int]) -> dict[str, int]:
    """Return what a former server had said of operations, whole user actions at a time.

    Every fact is taken, and a word that says what stands changes nothing: whether they were of who
    had the order say the steps and words beside them, of a fact alone those of the same push.
    """
    found: dict[str, int] = {}
    alone: list[Operation] = []
    lost: set[str] = set()
    for group in groups if told else ():
        entries = [each for each in group if isinstance(each, Operation)]
        on_orders = [each for each in entries if each.kind in _ON_ORDERS]
        said = {each.op_id: told[each.op_id] for each in on_orders if each.op_id in told}
        found |= said
        newest_ms = max(said.values(), default=None)
        if newest_ms == NO_EFFECT:
            lost |= {each.entity_id for each in on_orders}
        facts = [each for each in entries if each.kind not in _ON_ORDERS]
        if newest_ms is None:
            alone += facts
            continue
        beside = facts if newest_ms else entries
        found |= {each.op_id: newest_ms for each in beside}
    for fact in alone:
        if fact.payload is not None and fact.payload.get("order_id") in lost:
            found[fact.op_id] = NO_EFFECT
    return found


class ToldSteps:
    """What `effects.CrewContext` says of its fields of the same names."""

    def __init__(self) -> None:
        """Know of nothing."""
        self.step_words: dict[str, datetime] = {}
        self.steps: dict[str, list[Repeat]] = {}
        self.finished: set[str] = set()
        self.worked: set[str] = set()

    def note(self, entries: Iterable[Entry], told: Mapping[str, int]) -> None:
        """Note per order what the sender knew of the server when it last worked on it.

        `told`: what a server had said of operations; of one that had no effect nothing is noted,
        one that it took says that the crew had the order then.
        """
        for each in entries:
            told_ms = told.get(each.op_id)
            if isinstance(each, Broken) or told_ms == NO_EFFECT:
                continue
            if each.kind is OperationKind.GO and each.field in CREW_EVENTS:
                self._note_step(each, told_ms)
            if each.kind is OperationKind.SET and each.field in FIELD_OWNED:
                self.worked.add(each.entity_id)  # a tablet writes on its crew's orders alone
            if each.kind in _ON_ORDERS and each.at.contact_ms is not None:
                word_utc = utc_from_ms(max(each.at.contact_ms, had_until_ms(told_ms or 0)))
                known_utc = self.step_words.get(each.entity_id, word_utc)
                self.step_words[each.entity_id] = max(known_utc, word_utc)

    def _note_step(self, step: Operation, told_ms: int | None) -> None:
        event, at = WorkOrderEvent(step.field), step.at
        known_ms = at.wall_ms + at.offset_ms if at.contact_ms is None else at.contact_ms
        self.steps.setdefault(step.entity_id, []).append(Repeat(event, utc_from_ms(known_ms)))
        if event is WorkOrderEvent.FINISH and told_ms is None:  # else that says when
            self.finished.add(step.entity_id)
        if event is not WorkOrderEvent.ACCEPT or told_ms is not None:
            self.worked.add(step.entity_id)
