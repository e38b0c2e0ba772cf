"""What the tests of sealed things share: how a tablet seals and sends, what became of it."""

import io
import os
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from PIL import Image
from sqlalchemy import select
from typing_extensions import override

from sync_server.blobs.blob_store import BlobState, find_blob
from sync_server.blobs.bounds import SPARE_BYTES
from sync_server.blobs.files_io import BlobFiles
from sync_server.db.sync_tables import SEALED_ITEM
from sync_server.sync.ledger_store import read_ledger
from sync_server.sync.review_store import ReviewKind, list_reviews
from sync_server.sync.sealing_keys_io import SealingKeys
from sync_server.sync.service import SyncService
from sync_server.work_orders.order_store import get_order
from tests.sync_server.people_parts import Utility
from wire_contracts.operations import Operation, Outcome
from wire_contracts.sealed import (
    KEY_BYTES,
    KEY_INFO,
    Envelope,
    SealedAnswer,
    SealedKind,
    SealedRequest,
    bound_bytes,
    dump_operation,
    key_id_of,
)
from wire_contracts.sync import PROTOCOL


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


def state_and_outcomes(utility: Utility, order_id: str) -> tuple[str, set[Outcome]]:
    with utility.engine.connect() as connection:
        state = get_order(connection, order_id).document.state
        return str(state), {each.outcome for each in read_ledger(connection)}


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


class FullDisk(BlobFiles):
    """A disk on which less is free than must stay free."""

    @override
    def free_bytes(self) -> int:
        """Return too few bytes."""
        return SPARE_BYTES - 1
