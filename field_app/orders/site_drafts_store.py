"""Owns what is typed on site and not sealed yet, and the detector in use.

Every function works inside a transaction that the caller owns.
"""

import json
from collections.abc import Mapping
from datetime import date

from sqlalchemy import Connection

from field_app.orders import order_store
from field_app.orders.entry_gate import Detector
from field_app.orders.site_changes import WORK_FORM
from field_app.store import draft_store, sealed_store, settings_store
from field_app.store.draft_store import DraftAnswer, DraftKey
from field_app.store.outbox_store import TapStamp
from field_app.store.settings_store import Key
from wire_contracts.fields import JsonValue


def texts_of(answers: Mapping[str, JsonValue]) -> dict[str, str]:
    """Return the answers of a draft as typed; an empty one is left out."""
    return {name: str(value) for name, value in answers.items() if value}


def keep_typed(
    connection: Connection, order_id: str, stamp: TapStamp, answers: Mapping[str, str]
) -> None:
    """Keep answers by their whole names, and seal the draft to the server."""
    for name, value in answers.items():
        answer = DraftAnswer(
            order_id=order_id, form=WORK_FORM, field=name, value=value, actor=stamp.actor
        )
        draft_store.save_answer(connection, answer, stamp.at.wall_ms)
    seal_typed(connection, order_id, stamp)


def seal_typed(connection: Connection, order_id: str, stamp: TapStamp) -> None:
    """Seal the draft as it stands now."""
    key = DraftKey(order_id=order_id, form=WORK_FORM, author=stamp.actor)
    sealed_store.seal_draft(connection, stamp.seal, key, stamp.at.wall_ms)
    order_store.rebuild_lines(connection, [order_id])


def save_detector(connection: Connection, detector: Detector) -> None:
    """Keep which detector is in use and until when its calibration holds."""
    until = detector.calibrated_until
    text = json.dumps(
        {"id": detector.detector_id, "until": None if until is None else until.isoformat()}
    )
    settings_store.save(connection, Key.DETECTOR, text)


def load_detector(connection: Connection) -> Detector:
    """Return the detector in use, an unnamed one before anybody said which."""
    text = settings_store.load_text(connection, Key.DETECTOR)
    if text is None:
        return Detector()
    kept = json.loads(text)
    until = kept.get("until")
    return Detector(
        detector_id=str(kept.get("id") or ""),
        calibrated_until=None if until is None else date.fromisoformat(str(until)),
    )
