"""What a tablet sealed reaches the ledger, even when the tablet was revoked (RULINGS R4)."""

import argparse
import base64
import io
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from fastapi import FastAPI
from PIL import Image
from requests import Session
from sqlalchemy import select, update
from typing_extensions import override

from sync_server.access.api_io import enrolment_router
from sync_server.access.desk import AccessDesk
from sync_server.access.error_answers_io import install_error_answers
from sync_server.access.tablet_store import enrol_tablet, issue_enrolment_code, revoke_tablet
from sync_server.blobs.blob_store import BlobState, find_blob
from sync_server.blobs.bounds import SEALED_BYTES, SPARE_BYTES
from sync_server.blobs.files_io import BlobFiles
from sync_server.blobs.intake import Intake
from sync_server.db.sync_tables import SEALED_ITEM
from sync_server.sync.api_io import sync_router
from sync_server.sync.commands_io import SyncDesk, sealing_keys
from sync_server.sync.ledger_store import read_ledger
from sync_server.sync.review_desk import Decision, settle
from sync_server.sync.review_store import ReviewKind, list_reviews
from sync_server.sync.sealed_room import SealedRoom
from sync_server.sync.sealing_keys_io import SealingKeyError, SealingKeys
from sync_server.sync.service import SyncService, SyncTerms
from sync_server.work_orders.order_store import create_from_alert, get_order
from tests.sync_server.people_parts import QUICK_HASHER, Pen, Utility, raise_leak
from tests.sync_server.real_parts import NOON
from tests.sync_server.served_app import served
from wire_contracts.blobs import BlobMime, BlobOffer, BlobRole
from wire_contracts.codes import Code
from wire_contracts.enrolment import EnrolRequest
from wire_contracts.errors import ContractError
from wire_contracts.operations import Operation, Outcome
from wire_contracts.payloads import read_json
from wire_contracts.pulls import parse_pull
from wire_contracts.refusals import parse_refusal
from wire_contracts.review_outcomes import Choice
from wire_contracts.sealed import (
    KEY_BYTES,
    KEY_INFO,
    SEALED_PATH,
    Envelope,
    SealedAnswer,
    SealedKind,
    SealedRequest,
    SealedResult,
    bound_bytes,
    dump_operation,
    dump_sealed,
    key_id_of,
    parse_sealed_answer,
)
from wire_contracts.sync import PROTOCOL, PROTOCOL_HEADER, PULL_PATH


def seal(public_key: bytes, kind: SealedKind, about: str, content: bytes) -> Envelope:
    """Seal as `wire_contracts.sealed` says, with the library's own parts."""
    own = X25519PrivateKey.generate()
    ephemeral = own.public_key().public_bytes_raw()
    shared = own.exchange(X25519PublicKey.from_public_bytes(public_key))
    key = HKDF(
        algorithm=SHA256(), length=KEY_BYTES, salt=ephemeral + public_key, info=KEY_INFO
    ).derive(shared)
    nonce = os.urandom(12)
    return Envelope(
        kind=kind,
        about=about,
        key_id=key_id_of(public_key),
        ephemeral=ephemeral,
        nonce=nonce,
        box=AESGCM(key).encrypt(nonce, content, bound_bytes(kind, about)),
    )


@pytest.fixture
def keys(tmp_path: Path) -> SealingKeys:
    found = SealingKeys(tmp_path / "sealing_keys")
    found.ensure(NOON)
    return found


@pytest.fixture
def service(utility: Utility, keys: SealingKeys, tmp_path: Path) -> SyncService:
    intake = Intake(utility.engine, BlobFiles(tmp_path / "blobs"), utility.clock)
    return SyncService(utility.engine, utility.clock, SyncTerms(keys=keys, intake=intake))


@pytest.fixture
def order_id(utility: Utility) -> str:
    with utility.engine.begin() as connection:
        actor = utility.dispatcher.account_id
        alert_id = raise_leak(connection)
        return create_from_alert(connection, alert_id, actor, "crew-1", NOON).order_id


def public(keys: SealingKeys) -> bytes:
    assert keys.public_key is not None
    return keys.public_key


def sealed_operation(keys: SealingKeys, operation: Operation) -> Envelope:
    return seal(public(keys), SealedKind.OPERATION, operation.op_id, dump_operation(operation))


def send(service: SyncService, utility: Utility, *envelopes: Envelope) -> SealedAnswer:
    request = SealedRequest(replica_id="replica-1", envelopes=envelopes, protocol=PROTOCOL)
    return service.take_sealed(utility.tablet, request, is_revoked=True)


def reviewed(utility: Utility, kind: ReviewKind) -> list[str | None]:
    with utility.engine.connect() as connection:
        return [each.op_id for each in list_reviews(connection) if each.kind is kind]


def test_sealed_taps_of_a_revoked_tablet_are_applied_once_and_shown_to_people(
    service: SyncService, utility: Utility, keys: SealingKeys, pen: Pen, order_id: str
) -> None:
    taps = [*pen.steps_to_work(order_id), *pen.finding(order_id)]
    envelopes = [sealed_operation(keys, tap) for tap in taps]

    first = send(service, utility, *envelopes)
    second = send(service, utility, *envelopes)

    assert [each.is_opened for each in first.results] == [True] * len(taps)
    assert second.results == first.results
    with utility.engine.connect() as connection:
        ledger = read_ledger(connection)
        order = get_order(connection, order_id)
    assert {each.outcome for each in ledger} == {Outcome.APPLIED}
    assert (len(ledger), str(order.state)) == (len(taps), "finished")
    assert len(reviewed(utility, ReviewKind.REVOKED_TABLET)) == 5  # four steps, one finding


def state_and_outcomes(utility: Utility, order_id: str) -> tuple[str, set[Outcome]]:
    with utility.engine.connect() as connection:
        state = get_order(connection, order_id).document.state
        return str(state), {each.outcome for each in read_ledger(connection)}


def test_sealed_taps_take_effect_in_their_own_order_whatever_that_of_the_envelopes(
    service: SyncService, utility: Utility, keys: SealingKeys, pen: Pen, order_id: str
) -> None:
    taps = [*pen.steps_to_work(order_id), *pen.finding(order_id)]
    envelopes = [sealed_operation(keys, tap) for tap in taps]
    draft = seal(public(keys), SealedKind.DRAFT, order_id, b"{}")
    sent = [*envelopes[5:], draft, *envelopes[4::-1]]

    answer = send(service, utility, *sent)

    assert [each.about for each in answer.results] == [each.about for each in sent]
    assert state_and_outcomes(utility, order_id) == ("finished", {Outcome.APPLIED})


def test_sealed_taps_that_had_to_wait_for_their_key_take_effect_in_their_order(
    utility: Utility, keys: SealingKeys, pen: Pen, order_id: str, tmp_path: Path
) -> None:
    taps = [*pen.steps_to_work(order_id), *pen.finding(order_id)]
    envelopes = [sealed_operation(keys, tap) for tap in taps]
    stranger = SealingKeys(tmp_path / "other")
    stranger.ensure(NOON)
    without = SyncService(utility.engine, utility.clock, SyncTerms(keys=stranger))
    for some in (envelopes[6:], envelopes[:6]):
        send(without, utility, *some)

    count = SealedRoom(utility.engine, keys, None).open_waiting(NOON)

    assert count == len(taps)
    assert state_and_outcomes(utility, order_id) == ("finished", {Outcome.APPLIED})


def sealed_to_two_keys(
    keys: SealingKeys, away: SealingKeys, taps: Sequence[Operation], first: int
) -> list[Envelope]:
    """Return the envelopes of taps of which the first were sealed to a key that is away."""
    return [
        sealed_operation(away if number < first else keys, tap) for number, tap in enumerate(taps)
    ]


@pytest.fixture
def away(tmp_path: Path) -> SealingKeys:
    found = SealingKeys(tmp_path / "away")
    found.ensure(NOON)
    return found


@pytest.mark.parametrize("first", range(1, 6))
def test_steps_wait_with_earlier_ones_whose_key_is_away_and_take_effect_with_them(  # noqa: PLR0913, PLR0917  # fixtures
    service: SyncService,
    utility: Utility,
    keys: SealingKeys,
    away: SealingKeys,
    pen: Pen,
    order_id: str,
    first: int,
    tmp_path: Path,
) -> None:
    taps = [*pen.steps_to_work(order_id), *pen.finding(order_id)]
    envelopes = sealed_to_two_keys(keys, away, taps, first)
    for some in (envelopes[:first], envelopes[first:]):
        send(service, utility, *some)
    assert reviewed(utility, ReviewKind.REFUSED) == []

    for path in (tmp_path / "away").glob("*.pem"):
        shutil.copy2(path, tmp_path / "sealing_keys" / path.name)
    SealedRoom(utility.engine, SealingKeys(tmp_path / "sealing_keys"), None).open_waiting(NOON)

    assert state_and_outcomes(utility, order_id) == ("finished", {Outcome.APPLIED})


def test_steps_wait_no_longer_once_a_person_has_given_the_key_up(  # noqa: PLR0913, PLR0917  # fixtures
    service: SyncService,
    utility: Utility,
    keys: SealingKeys,
    away: SealingKeys,
    pen: Pen,
    order_id: str,
) -> None:
    taps = pen.steps_to_work(order_id)
    send(service, utility, *sealed_to_two_keys(keys, away, taps, 1))
    with utility.engine.begin() as connection:
        (item,) = [
            each for each in list_reviews(connection) if each.kind is ReviewKind.SEALED_UNREAD
        ]
        decision = Decision(choice=Choice.NOTED, reason="the key is lost")
        settle(connection, item.review_id, decision, utility.dispatcher.account_id, NOON)

    SealedRoom(utility.engine, keys, None).open_waiting(NOON)

    assert len(reviewed(utility, ReviewKind.REFUSED)) == len(taps) - 1


def test_what_was_pushed_before_it_came_sealed_has_one_effect(
    service: SyncService, utility: Utility, keys: SealingKeys, pen: Pen, order_id: str
) -> None:
    tap = pen.set(order_id, "note", "", "dog")
    pen.push(utility.sync(), tap)

    send(service, utility, sealed_operation(keys, tap))

    with utility.engine.connect() as connection:
        assert get_order(connection, order_id).document.note == "dog"
        assert len(read_ledger(connection)) == 1


def test_a_draft_is_kept_and_a_person_hears_of_it(
    service: SyncService, utility: Utility, keys: SealingKeys, order_id: str
) -> None:
    draft = seal(public(keys), SealedKind.DRAFT, order_id, '{"cause":"漏"}'.encode())

    answer = send(service, utility, draft)

    assert answer.results == [SealedResult(kind=SealedKind.DRAFT, about=order_id, is_opened=True)]
    with utility.engine.connect() as connection:
        bodies = connection.execute(select(SEALED_ITEM.c.body)).scalars().all()
        items = list_reviews(connection)
    assert bodies == ['{"cause":"漏"}']
    assert [(each.kind, each.entity, each.entity_id) for each in items] == [
        (ReviewKind.REVOKED_TABLET, "draft", order_id)
    ]


def picture() -> tuple[str, bytes]:
    """Return the name and the bytes of a small photo."""
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(stream, "JPEG")
    return sha256(stream.getvalue()).hexdigest(), stream.getvalue()


def blob_state(utility: Utility, name: str) -> BlobState | None:
    with utility.engine.connect() as connection:
        found = find_blob(connection, name)
    return None if found is None else found.state


def kept(utility: Utility) -> list[tuple[bool, bool]]:
    """Return of every envelope whether it was opened and whether its body is still here."""
    query = select(SEALED_ITEM.c.is_opened, SEALED_ITEM.c.body)
    with utility.engine.connect() as connection:
        return [(row.is_opened, row.body is not None) for row in connection.execute(query)]


def test_a_sealed_photo_is_safe_under_its_own_hash(
    service: SyncService, utility: Utility, keys: SealingKeys
) -> None:
    name, content = picture()

    answer = send(service, utility, seal(public(keys), SealedKind.BLOB, name, content))

    assert [each.is_opened for each in answer.results] == [True]
    assert blob_state(utility, name) is BlobState.HAVE
    assert kept(utility) == [(True, False)]


def test_a_sealed_photo_takes_the_place_of_a_torn_half_that_came_before(
    service: SyncService, utility: Utility, keys: SealingKeys, tmp_path: Path
) -> None:
    name, content = picture()
    files = BlobFiles(tmp_path / "blobs")
    intake = Intake(utility.engine, files, utility.clock)
    offer = BlobOffer(sha256=name, size_bytes=len(content), mime=BlobMime.JPEG, role=BlobRole.PHOTO)
    intake.offer(utility.tablet, offer)
    half = files.find_partial(utility.tablet.tablet_id, name)
    assert half is not None
    files.append(half, 0, bytes(len(content) // 2))

    send(service, utility, seal(public(keys), SealedKind.BLOB, name, content))

    assert blob_state(utility, name) is BlobState.HAVE
    assert reviewed(utility, ReviewKind.SEALED_UNUSED) == []


class FullDisk(BlobFiles):
    """A disk on which less is free than must stay free."""

    @override
    def free_bytes(self) -> int:
        """Return too few bytes."""
        return SPARE_BYTES - 1


def test_a_sealed_photo_for_which_there_is_no_room_stays_on_the_tablet(
    utility: Utility, keys: SealingKeys, tmp_path: Path
) -> None:
    name, content = picture()
    intake = Intake(utility.engine, FullDisk(tmp_path / "blobs"), utility.clock)
    service = SyncService(utility.engine, utility.clock, SyncTerms(keys=keys, intake=intake))

    with pytest.raises(ContractError) as refused:
        send(service, utility, seal(public(keys), SealedKind.BLOB, name, content))

    assert refused.value.code is Code.DISK_FULL
    assert kept(utility) == []


def test_what_cannot_be_opened_and_has_no_room_stays_on_the_tablet(
    utility: Utility, tmp_path: Path
) -> None:
    stranger = SealingKeys(tmp_path / "other")
    stranger.ensure(NOON)
    intake = Intake(utility.engine, FullDisk(tmp_path / "blobs"), utility.clock)
    terms = SyncTerms(keys=SealingKeys(tmp_path / "sealing_keys"), intake=intake)

    unread = seal(public(stranger), SealedKind.BLOB, "a" * 64, b"closed")
    service = SyncService(utility.engine, utility.clock, terms)

    with pytest.raises(ContractError) as told:
        send(service, utility, unread)

    assert told.value.code is Code.DISK_FULL
    assert kept(utility) == []


def test_a_store_whose_replica_id_no_database_takes_is_heard_all_the_same(
    service: SyncService, utility: Utility, keys: SealingKeys, pen: Pen, order_id: str
) -> None:
    envelope = sealed_operation(keys, pen.set(order_id, "note", "", "dog"))
    request = SealedRequest(replica_id="r\0\ud800x", envelopes=[envelope], protocol=PROTOCOL)

    service.take_sealed(utility.tablet, request, is_revoked=True)

    with utility.engine.connect() as connection:
        kept_as = connection.execute(select(SEALED_ITEM.c.replica_id)).scalars().all()
        assert get_order(connection, order_id).document.note == "dog"
    assert kept_as == ["r??x"]


def test_what_was_opened_later_takes_no_room_of_the_tablets_day(
    utility: Utility, keys: SealingKeys, pen: Pen, order_id: str, tmp_path: Path
) -> None:
    stranger = SealingKeys(tmp_path / "other")
    stranger.ensure(NOON)
    without = SyncService(utility.engine, utility.clock, SyncTerms(keys=stranger))
    send(without, utility, sealed_operation(keys, pen.set(order_id, "note", "", "dog")))

    SealedRoom(utility.engine, keys, None).open_waiting(NOON)

    with utility.engine.connect() as connection:
        assert connection.execute(select(SEALED_ITEM.c.size_bytes)).scalars().all() == [0]


def test_a_tablet_leaves_no_more_unopened_in_a_day_than_its_share(
    service: SyncService, utility: Utility, tmp_path: Path
) -> None:
    stranger = SealingKeys(tmp_path / "other")
    stranger.ensure(NOON)
    first, second = (seal(public(stranger), SealedKind.BLOB, name * 64, b"closed") for name in "ab")
    send(service, utility, first)
    with utility.engine.begin() as connection:
        connection.execute(update(SEALED_ITEM).values(size_bytes=SEALED_BYTES))

    with pytest.raises(ContractError) as told:
        send(service, utility, second)
    again = send(service, utility, first)
    utility.clock.advance(days=1, minutes=1)
    next_day = send(service, utility, second)

    assert told.value.code is Code.BLOB_QUOTA
    assert [each.is_opened for each in (*again.results, *next_day.results)] == [False, False]
    assert len(kept(utility)) == 2


def put_keys_back(folder: Path, utility: Utility) -> str:
    """Run `sync-server sealing-keys open` over the folders and return what it says."""
    said: list[str] = []
    desk = SyncDesk(
        engine=utility.engine,
        clock=utility.clock,
        say=said.append,
        sealing_folder=folder / "sealing_keys",
        blob_folder=folder / "blobs",
    )
    sealing_keys(desk, argparse.Namespace(what="open"))
    return said[0]


def test_a_photo_and_a_damaged_store_that_waited_for_their_key_are_opened_by_the_command(
    utility: Utility, keys: SealingKeys, tmp_path: Path
) -> None:
    name, content = picture()
    store = os.urandom(2_000)
    store_name = sha256(store).hexdigest()
    stranger = SealingKeys(tmp_path / "other")
    stranger.ensure(NOON)
    intake = Intake(utility.engine, BlobFiles(tmp_path / "blobs"), utility.clock)
    without = SyncService(utility.engine, utility.clock, SyncTerms(keys=stranger, intake=intake))
    send(without, utility, seal(public(keys), SealedKind.BLOB, name, content))
    send(without, utility, seal(public(keys), SealedKind.STORE, store_name, store))
    before = kept(utility)

    said = [put_keys_back(tmp_path, utility) for _ in range(2)]

    assert before == [(False, True)] * 2
    assert said == ["2 sealed things were opened", "0 sealed things were opened"]
    assert blob_state(utility, name) is BlobState.HAVE
    assert (tmp_path / "blobs" / "stores" / f"{store_name}.zip").read_bytes() == store
    assert kept(utility) == [(True, False)] * 2


def test_what_nobody_can_keep_elsewhere_stays_sealed_here(
    utility: Utility, keys: SealingKeys
) -> None:
    name, content = picture()
    without_intake = SyncService(utility.engine, utility.clock, SyncTerms(keys=keys))
    send(without_intake, utility, seal(public(keys), SealedKind.BLOB, name, content))
    send(without_intake, utility, seal(public(keys), SealedKind.STORE, name, content))

    assert kept(utility) == [(False, True)] * 2


def test_a_store_that_is_not_what_its_name_says_stays_sealed(
    service: SyncService, utility: Utility, keys: SealingKeys
) -> None:
    send(service, utility, seal(public(keys), SealedKind.STORE, "0" * 64, b"other bytes"))

    assert kept(utility) == [(False, True)]


SPOILS: dict[str, Callable[[Envelope], Envelope]] = {
    "another id": lambda whole: replace(whole, about="0190-another"),
    "another kind": lambda whole: replace(whole, kind=SealedKind.DRAFT),
    "other bytes": lambda whole: replace(whole, box=bytes(len(whole.box))),
    "an unknown key": lambda whole: replace(whole, key_id="0" * 16),
}


SPOILT_KIND = {"an unknown key": ReviewKind.SEALED_UNREAD}
"""What a person is told: of all others the key is here."""


@pytest.mark.parametrize("spoil", SPOILS)
def test_what_cannot_be_opened_is_kept_as_it_came_and_a_person_hears_of_it_once(
    service: SyncService, utility: Utility, keys: SealingKeys, order_id: str, spoil: str
) -> None:
    pen = Pen(actor=utility.member.account_id, clock=utility.clock)
    spoilt = SPOILS[spoil](sealed_operation(keys, pen.set(order_id, "note", "", "x")))

    answers = [send(service, utility, spoilt) for _ in range(2)]

    assert [each.is_opened for answer in answers for each in answer.results] == [False, False]
    kind = SPOILT_KIND.get(spoil, ReviewKind.SEALED_UNUSED)
    assert len(reviewed(utility, kind)) == 1
    with utility.engine.connect() as connection:
        assert len(connection.execute(select(SEALED_ITEM)).all()) == 1
        assert read_ledger(connection) == []


def test_a_key_that_was_put_back_opens_what_had_to_wait(
    utility: Utility, keys: SealingKeys, pen: Pen, order_id: str, tmp_path: Path
) -> None:
    envelope = sealed_operation(keys, pen.set(order_id, "note", "", "late"))
    stranger = SealingKeys(tmp_path / "other")
    stranger.ensure(NOON)
    without = SyncService(utility.engine, utility.clock, SyncTerms(keys=stranger))
    send(without, utility, envelope)

    count = SealedRoom(utility.engine, keys, None).open_waiting(NOON)
    again = SealedRoom(utility.engine, keys, None).open_waiting(NOON)

    assert (count, again) == (1, 0)
    with utility.engine.connect() as connection:
        assert get_order(connection, order_id).document.note == "late"


def test_after_a_rotation_tablets_get_the_new_key_once_and_old_boxes_still_open(
    service: SyncService, utility: Utility, keys: SealingKeys, pen: Pen, order_id: str
) -> None:
    former = public(keys)
    envelope = sealed_operation(keys, pen.set(order_id, "note", "", "old box"))
    first = service.pull(utility.tablet, None, 500)
    idle = service.pull(utility.tablet, first.token, 500)
    keys.rotate(utility.clock.advance(minutes=1))
    told = service.pull(utility.tablet, idle.token, 500)
    silent = service.pull(utility.tablet, told.token, 500)
    opened = send(service, utility, envelope)

    given = [first.sealing_key, idle.sealing_key, told.sealing_key, silent.sealing_key]
    assert given == [former, None, public(keys), None]
    assert former != public(keys)
    assert opened.results[0].is_opened


def test_a_tablet_of_the_first_protocol_hears_of_no_lease_and_no_key(
    service: SyncService, utility: Utility
) -> None:
    answer = service.pull(utility.tablet, None, 500, 1)

    assert (answer.lease_until_ms, answer.sealing_key, answer.protocol) == (None, None, 1)


def test_the_private_keys_are_nobody_elses(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    SealingKeys(folder).ensure(NOON)
    [path] = folder.glob("*")

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    path.chmod(0o640)
    with pytest.raises(SealingKeyError, match="others may read it; chmod 600 it"):
        SealingKeys(folder).key_ids()


def test_a_key_put_back_with_loose_rights_stops_no_tablet_and_is_used_once_they_are_tight(
    utility: Utility, service: SyncService, keys: SealingKeys, tmp_path: Path
) -> None:
    former = SealingKeys(tmp_path / "former")
    former.ensure(NOON)
    name = former.key_ids()[0]
    service.pull(utility.tablet, None, 500)
    path = tmp_path / "sealing_keys" / "20200101T000000000000-former.pem"
    path.write_bytes(next((tmp_path / "former").glob("*.pem")).read_bytes())
    path.chmod(0o644)

    answer = service.pull(utility.tablet, None, 500)
    passed_over = keys.key_ids()
    path.chmod(0o600)

    assert answer.sealing_key == public(keys)
    assert name not in passed_over
    assert keys.key_ids() == [name, *passed_over]


def test_a_key_whose_file_was_spoilt_at_work_is_used_as_it_was_read(
    keys: SealingKeys, tmp_path: Path
) -> None:
    before = keys.key_ids()
    [path] = (tmp_path / "sealing_keys").glob("*.pem")
    path.write_text("half a ")
    (tmp_path / "sealing_keys" / "note.pem").write_text("no key")

    assert keys.key_ids() == before
    with pytest.raises(SealingKeyError, match="is no private key"):
        SealingKeys(tmp_path / "sealing_keys").key_ids()


def test_a_start_with_keys_makes_no_other_one(tmp_path: Path) -> None:
    first = SealingKeys(tmp_path / "keys").ensure(NOON)
    second = SealingKeys(tmp_path / "keys").ensure(NOON)

    assert first == second is not None


@pytest.fixture
def address(utility: Utility, keys: SealingKeys) -> Iterator[str]:
    app = FastAPI()
    app.state.access = AccessDesk(utility.engine, utility.clock, QUICK_HASHER)
    install_error_answers(app)
    app.include_router(enrolment_router())
    app.include_router(sync_router(utility.engine, utility.clock, SyncTerms(keys=keys)))
    with served(app) as base_url:
        yield base_url


def test_a_revoked_tablet_is_told_to_wipe_and_may_still_send_what_it_sealed(
    utility: Utility, address: str, pen: Pen, order_id: str
) -> None:
    with utility.engine.begin() as connection:
        code = issue_enrolment_code(connection, "crew-1", "test", NOON).code
        enrolled = enrol_tablet(connection, EnrolRequest(code=code, name="lost"), NOON)
    headers = {
        "Authorization": f"Bearer {enrolled.token}",
        PROTOCOL_HEADER: str(PROTOCOL),
    }
    with Session() as session:
        session.headers.update(headers)
        pulled = session.get(address + PULL_PATH, timeout=20)
        answer = parse_pull(read_json("pull", pulled.content))
        assert answer.sealing_key is not None
        with utility.engine.begin() as connection:
            revoke_tablet(connection, enrolled.tablet_id, "test", NOON)
        refused = session.get(address + PULL_PATH, timeout=20)
        tap = pen.set(order_id, "note", "", "sealed")
        envelope = seal(answer.sealing_key, SealedKind.OPERATION, tap.op_id, dump_operation(tap))
        request = SealedRequest(replica_id="r", envelopes=(envelope,), protocol=PROTOCOL)
        sent = session.post(address + SEALED_PATH, data=dump_sealed(request), timeout=20)
        stranger = {"Authorization": "Bearer " + base64.b64encode(bytes(32)).decode()}
        unknown = session.post(address + SEALED_PATH, data=b"{}", headers=stranger, timeout=20)

    refusal = parse_refusal(read_json("refusal", refused.content))
    assert (refused.status_code, refusal.code, refusal.must_wipe) == (401, Code.TOKEN_REVOKED, True)
    assert sent.status_code == 200
    assert parse_sealed_answer(read_json("sealed", sent.content)).results[0].is_opened
    assert unknown.status_code == 401
    with utility.engine.connect() as connection:
        assert get_order(connection, order_id).document.note == "sealed"
