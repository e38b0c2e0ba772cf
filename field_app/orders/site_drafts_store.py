"""Owns what is typed on site and not sealed yet, and the detector in use.

Every function works inside a transaction that the caller owns.
"""

import json
from collections.abc import Mapping
from datetime import date
from typing import Final

from sqlalchemy import Connection

from field_app.forms.finding import MEASURED_PREFIX, is_gas_present
from field_app.forms.numbers import FULL_SCALE_LEL_PCT, most_lel_pct, worst_lel_pct
from field_app.orders import order_store
from field_app.orders.begun_findings import GAS_FIELD, gas_in_findings
from field_app.orders.entry_gate import Detector
from field_app.orders.moments import TimerMoment, moment_kept, moment_of
from field_app.orders.order_entry import ENTRY, ENTRY_WHY
from field_app.orders.safety_steps import TYPED_AT
from field_app.orders.site_changes import WORK_FORM
from field_app.orders.site_sheet import GasTold
from field_app.orders.step_timer import TIMER_PAGE
from field_app.orders.work_record import (
    EARLIER_GAS,
    EARLIER_GAS_PLACE,
    GATE_GAS,
    GATE_GAS_PLACE,
    SLIP_MS,
    TYPED_GAS,
)
from field_app.store import draft_store, outbox_store, sealed_store, settings_store
from field_app.store.draft_store import Draft, DraftAnswer, DraftKey, KeptAnswer
from field_app.store.outbox_store import TapStamp
from field_app.store.saved_at import Place, place_of, place_text
from field_app.store.settings_store import Key
from wire_contracts.fields import JsonValue
from wire_contracts.orders import FINDING_FORM, FactType
from wire_contracts.site_facts import SafetyStep
from wire_contracts.van import AirValue

_OF_A_VISIT: Final = frozenset(
    {*map(str, SafetyStep), TIMER_PAGE, MEASURED_PREFIX.removesuffix("."), "reading"}
)
_AIR: Final = frozenset(map(str, AirValue))
_OF_ENTRY: Final = frozenset({ENTRY, ENTRY_WHY})
_ONE_SHIFT_MS: Final = 12 * 3_600_000
"""Whatever was in somebody's hand in another shift is not in it now (judgement)."""

_SLACK_MS: Final = 5_000
"""A tablet's clock may be corrected by so much between two taps."""


def texts_of(answers: Mapping[str, JsonValue]) -> dict[str, str]:
    """Return the answers of a draft as typed; an empty one is left out."""
    return {name: str(value) for name, value in answers.items() if value}


def still_said(draft: Draft, void: Mapping[SafetyStep, Place]) -> dict[str, str]:
    """Return the answers of a draft as typed, but for values and clocks of steps that are void."""
    before = {str(step): place for step, place in void.items()}
    return {
        name: text
        for name, text in texts_of(draft.answers).items()
        if draft.saved[name].place >= before.get(_step_of(name), (0, 0))
    }


def _step_of(name: str) -> str:
    """Return the step of a field or of a clock; another page's name is the name of no step."""
    page, _, rest = name.partition(".")
    return rest if page == TIMER_PAGE else page


def keep_typed(
    connection: Connection, order_id: str, stamp: TapStamp, answers: Mapping[str, str]
) -> None:
    """Keep answers by their whole names, and seal the draft to the server."""
    for name, value in answers.items():
        answer = DraftAnswer(
            order_id=order_id, form=WORK_FORM, field=name, value=value, actor=stamp.actor
        )
        draft_store.save_answer(connection, answer, stamp.saved_at)
    seal_typed(connection, order_id, stamp)


def seal_typed(connection: Connection, order_id: str, stamp: TapStamp) -> None:
    """Seal the draft as it stands now."""
    key = DraftKey(order_id=order_id, form=WORK_FORM, author=stamp.actor)
    sealed_store.seal_draft(connection, stamp.seal, key, stamp.at.wall_ms)
    order_store.rebuild_lines(connection, [order_id])


def typed_for_record(
    connection: Connection, order_id: str, own: Mapping[str, str], author: str
) -> dict[str, str]:
    """Return what one author typed, with the most gas that anybody has typed about the order.

    The author's own finding says by itself what it says; the findings of others count here. With
    gas goes its place in the order of writing: what was measured before it is void.
    """
    typed = {**own, **_typed_over_last(connection, order_id)}
    elsewhere = (EARLIER_GAS, gas_in_findings(connection, order_id, but_of=author))
    for name, text in (*gas_typed(connection, order_id).items(), elsewhere):
        if (worst_lel_pct(text) or 0.0) > (worst_lel_pct(typed.get(name, "")) or 0.0):
            typed[name] = text
    if GATE_GAS in typed:
        place = _place_at_gate(connection, order_id, typed[GATE_GAS])
        typed[GATE_GAS_PLACE] = place_text(place)
    return typed


def _typed_over_last(connection: Connection, order_id: str) -> dict[str, str]:
    """Return where anybody last typed gas that was typed over, nothing where nobody did."""
    found = draft_store.load_fields(connection, order_id, WORK_FORM, [EARLIER_GAS_PLACE])
    places = [place_of(str(value)) for _author, _field, value in found]
    return {EARLIER_GAS_PLACE: place_text(max(places))} if places else {}


def _place_at_gate(connection: Connection, order_id: str, text: str) -> Place:
    """Return where somebody typed this gas at the gate of an order last."""
    kept = draft_store.load_everyones(connection, order_id, WORK_FORM)
    return max(
        (each.at.place for each in kept if each.field == GATE_GAS and str(each.value) == text),
        default=(0, 0),
    )


def gas_typed(connection: Connection, order_id: str) -> dict[str, str]:
    """Return the most gas that anybody has typed, by field, as it was typed."""
    most: dict[str, str] = {}
    for _author, name, value in draft_store.load_fields(connection, order_id, WORK_FORM, TYPED_GAS):
        if (worst_lel_pct(str(value)) or 0.0) >= (worst_lel_pct(most.get(name, "")) or 0.0):
            most[name] = str(value)
    return most


def begin_anew(
    connection: Connection, order_id: str, stamp: TapStamp, *, is_case_over: bool
) -> None:
    """Forget what was measured and clocked on a visit that is over, whoever typed it.

    What a visit measured says nothing of the next one, nor does a checklist that was begun. That
    gas was typed and never kept is not forgotten: it stands as `EARLIER_GAS` until the case is
    over.
    """
    texts = (
        *gas_typed(connection, order_id).values(),
        gas_in_findings(connection, order_id),
        *_gas_in_checklists(connection, order_id),
    )
    most = max(texts, key=lambda text: worst_lel_pct(text) or 0.0, default="")
    keys = [key for key, _at_ms in draft_store.drafts_of(connection, order_id)]
    for author in {key.author for key in keys}:
        _forget_measured(connection, order_id, stamp, author)
    for key in keys:
        if key.form not in {WORK_FORM, FINDING_FORM}:
            leave_form_behind(connection, key, stamp)
    order_store.rebuild_lines(connection, [order_id])
    if is_case_over or not worst_lel_pct(most):
        return
    keep_typed(connection, order_id, stamp, {EARLIER_GAS: most})


def keep_gas_typed_over(connection: Connection, order_id: str, text: str, stamp: TapStamp) -> None:
    """Keep gas that stood in the author's finding for a while and is typed over with less."""
    finding = DraftKey(order_id=order_id, form=FINDING_FORM, author=stamp.actor)
    keep_earlier_gas(connection, finding, {GAS_FIELD: text}, stamp)


def keep_earlier_gas(
    connection: Connection,
    draft: DraftKey,
    texts: Mapping[str, str],
    stamp: TapStamp,
    slip_ms: int = SLIP_MS,
) -> None:
    """Keep gas that stood in a draft of a record and is typed over with these texts, by field."""
    former = gas_typed_over(connection, draft, texts, moment_kept(stamp.saved_at), slip_ms)
    lel_pct = 0.0 if former is None else worst_lel_pct(str(former.value)) or 0.0
    before = worst_lel_pct(gas_typed(connection, draft.order_id).get(EARLIER_GAS, "")) or 0.0
    if former is None:
        return
    kept = {EARLIER_GAS_PLACE: place_text(former.at.place)}
    if lel_pct > before:
        kept[EARLIER_GAS] = str(former.value)
    keep_typed(connection, draft.order_id, stamp, kept)


def gas_typed_over(
    connection: Connection,
    draft: DraftKey,
    texts: Mapping[str, str],
    now: TimerMoment,
    slip_ms: int = SLIP_MS,
) -> KeptAnswer | None:
    """Return the most gas that stood in a draft and is typed over, None for none.

    It was in the air. What stood for less than `slip_ms` was a slip of the finger, and so was what
    no detector shows.
    """
    found = [
        each
        for each in draft_store.load_everyones(connection, draft.order_id, draft.form)
        if each.author == draft.author
        and each.field in texts
        and not 0 <= now.age_ms(moment_kept(each.at)) < slip_ms
        and _is_other(texts[each.field], str(each.value or ""))
    ]
    return max(found, key=lambda each: worst_lel_pct(str(each.value)) or 0.0, default=None)


def _is_other(text: str, former: str) -> bool:
    """Return whether gas that a detector can show is typed over, by less or by a slip to more.

    What comes after the slip finds no gas any more: the most of it counts anyhow.
    """
    lel_pct = worst_lel_pct(former) or 0.0
    is_possible = is_gas_present(lel_pct) and lel_pct <= FULL_SCALE_LEL_PCT
    return is_possible and lel_pct != (worst_lel_pct(text) or 0.0)


def _gas_in_checklists(connection: Connection, order_id: str) -> list[str]:
    """Return the most gas of each checklist that was begun, as far as its names tell."""
    found = [
        most_lel_pct(texts_of(draft_store.load_draft(connection, key).answers))
        for key, _at_ms in draft_store.drafts_of(connection, order_id)
        if key.form not in {WORK_FORM, FINDING_FORM}
    ]
    return [repr(each) for each in found if each is not None]


def gas_elsewhere(connection: Connection, order_id: str) -> list[GasTold]:
    """Return the gas in findings and checklists of an order, as far as names of fields tell."""
    forms = {key.form for key, _at_ms in draft_store.drafts_of(connection, order_id)} - {WORK_FORM}
    texts = [
        ({each.field: str(each.value)}, each.saved_at_ms, each.at.place)
        for form in sorted(forms)
        for each in draft_store.load_everyones(connection, order_id, form)
    ]
    for entry in outbox_store.entries_of(connection, order_id):
        payload = entry.operation.payload or {}
        answers = payload.get("answers")
        if entry.operation.field == FactType.FORM_ANSWERSET and isinstance(answers, Mapping):
            told = {name: str(text) for name, text in answers.items()}
            texts.append((told, entry.made_at_ms, (entry.operation.n, 0)))
    return [
        GasTold(lel_pct=lel_pct, at_ms=at_ms, place=place)
        for answers, at_ms, place in texts
        if (lel_pct := most_lel_pct(answers)) is not None
    ]


def leave_form_behind(connection: Connection, key: DraftKey, stamp: TapStamp) -> None:
    """Put a checklist that was begun on another visit by: it is shown beside what is asked anew."""
    by = draft_store.leave_behind(connection, key)
    for each in (key, by):
        sealed_store.seal_draft(connection, stamp.seal, each, stamp.at.wall_ms)


def _forget_measured(connection: Connection, order_id: str, stamp: TapStamp, author: str) -> None:
    for form in (WORK_FORM, FINDING_FORM):
        key = DraftKey(order_id=order_id, form=form, author=author)
        fields = [
            name for name in draft_store.load_draft(connection, key).answers if _is_measured(name)
        ]
        if fields:
            draft_store.forget_fields(connection, key, fields)
            sealed_store.seal_draft(connection, stamp.seal, key, stamp.at.wall_ms)
            order_store.rebuild_lines(connection, [order_id])


def _is_measured(name: str) -> bool:
    """Return whether a field of a draft is a value, a step or a clock of one visit."""
    page, _, field = name.partition(".")
    value = field.removesuffix(TYPED_AT)
    is_earlier = name in {EARLIER_GAS, EARLIER_GAS_PLACE}
    return page in _OF_A_VISIT or is_earlier or (page == "gate" and value in _AIR | _OF_ENTRY)


def save_detector(connection: Connection, detector: Detector, stamp: TapStamp) -> None:
    """Keep which detector a person has in use and until when its calibration holds."""
    until = detector.calibrated_until
    kept = {
        "id": detector.detector_id,
        "until": None if until is None else until.isoformat(),
        "by": stamp.actor,
        "at": moment_kept(stamp.saved_at).text,
    }
    settings_store.save(connection, Key.DETECTOR, json.dumps(kept))


def load_detector(connection: Connection, author: str, now: TimerMoment) -> Detector:
    """Return the detector that `author` has in use, an unnamed one where nobody said which.

    What another person had, or anybody in another shift, is in nobody's hand now.
    """
    text = settings_store.load_text(connection, Key.DETECTOR)
    kept = {} if text is None else json.loads(text)
    since = moment_of(str(kept.get("at") or ""))
    if kept.get("by") != author or since is None:
        return Detector()
    if not -_SLACK_MS <= now.age_ms(since) < _ONE_SHIFT_MS:
        return Detector()
    until = kept.get("until")
    return Detector(
        detector_id=str(kept.get("id") or ""),
        calibrated_until=None if until is None else date.fromisoformat(str(until)),
    )
