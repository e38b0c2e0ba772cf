"""Sends the office, sealed and once, what a damaged file was like and which rows do not add up.

The file goes where bytes are free. What was entered came back by the rescue; this is for whoever
finds out why the file was damaged, or why the rows differ.
"""

import hashlib
import json
from functools import partial
from pathlib import Path

from field_app.access.withdrawal import SealedApi
from field_app.store import lease_store, mismatch_reports, rescue, settings_store
from field_app.store.database_io import Database
from field_app.store.rescue import DamageReport
from field_app.store.salvage_io import pack_damaged, pack_report
from field_app.store.sealed_store import Seal
from field_app.store.settings_store import Key
from field_app.sync.reasons import RequestRefused
from wire_contracts.payloads import dump_json
from wire_contracts.sealed import Envelope, SealedKind, SealedRequest
from wire_contracts.sync import PROTOCOL

REFUSED = "refused"
GONE = "gone"
"""What became of a report that was not sent: it is not tried again."""


def send_damage(database: Database, api: SealedApi, seal: Seal, folder: Path) -> int:
    """Return how many damaged files the office has now; those in `folder` were set aside.

    Without a key of the server or a vault nothing is sent: the file may hold a crew's words.

    Raises:
        SyncProblem: No usable answer; it is tried again with the next contact.
    """
    sent = 0
    for report in database.read(rescue.unsent_damage):
        envelope = _sealed(database, seal, folder, report)
        if envelope is None:
            continue
        became = _send(database, api, envelope)
        database.write(partial(rescue.note_damage, file_name=report.file_name, became=became))
        sent += became not in {REFUSED, GONE}
    return sent


def send_mismatches(database: Database, api: SealedApi, seal: Seal) -> int:
    """Return of how many buckets that do not add up the office has heard now.

    Raises:
        SyncProblem: No usable answer; it is tried again with the next contact.
    """
    sent = 0
    public_key = database.read(lease_store.load_sealing_key)
    if public_key is None:
        return sent
    for report in database.read(mismatch_reports.unsent):
        content = pack_report(dump_json(report.body), json.dumps(report.manifest).encode())
        envelope = seal(public_key, SealedKind.STORE, hashlib.sha256(content).hexdigest(), content)
        if envelope is None:
            break
        note = partial(mismatch_reports.note_sent, report_id=report.report_id)
        database.write(partial(note, became=_send(database, api, envelope)))
        sent += 1
    return sent


def _sealed(database: Database, seal: Seal, folder: Path, report: DamageReport) -> Envelope | None:
    public_key = database.read(lease_store.load_sealing_key)
    aside = folder / report.file_name
    if public_key is None:
        return None
    if not aside.exists():
        database.write(partial(rescue.note_damage, file_name=report.file_name, became=GONE))
        return None
    content = pack_damaged(aside, dump_json(report.body))
    return seal(public_key, SealedKind.STORE, hashlib.sha256(content).hexdigest(), content)


def _send(database: Database, api: SealedApi, envelope: Envelope) -> str:
    """Return the name under which the server has it, or that it does not take it."""
    replica_id = database.read(
        lambda connection: settings_store.load_text(connection, Key.REPLICA_ID)
    )
    request = SealedRequest(replica_id=replica_id or "", envelopes=(envelope,), protocol=PROTOCOL)
    try:
        answer = api.send_sealed(request)
    except RequestRefused:
        return REFUSED  # a server from before this kind of envelope
    has_it = any(
        (each.kind, each.about) == (SealedKind.STORE, envelope.about) for each in answer.results
    )
    return envelope.about if has_it else REFUSED
