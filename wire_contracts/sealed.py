"""The sealed envelope: what a tablet has not sent yet, readable by the server alone (RULINGS R4).

How a box is made; the cryptography is behind the tablet's vault and in the server's key room:

    ephemeral     a fresh X25519 key pair for every box
    shared        X25519(ephemeral private, server's public)
    key           HKDF-SHA256(shared, salt = ephemeral public + server's public,
                  info = KEY_INFO, 32 bytes)
    box           AES-256-GCM(key, nonce of 12 random bytes, plaintext,
                  associated data = bound_bytes(kind, about)), its tag of 16 bytes at the end

The plaintext of OPERATION is `dump_operation`, of DRAFT one JSON object, of BLOB the file's bytes,
of STORE a zip of a damaged store and of `report.json`, what the tablet could read out of it; or of
`report.json` of the kind ROWS_DIFFER and of `manifest.json`.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from wire_contracts.codes import Code
from wire_contracts.fields import MAX_VERSION, FieldReader, JsonObject
from wire_contracts.frames import LATEST_MS
from wire_contracts.operations import Operation, operation_json, parse_told, told_json
from wire_contracts.payloads import dump_json

SEALED_PATH = "/sync/v1/sealed"
"""`POST` with a SealedRequest; also with the token of a tablet that was revoked."""

ROWS_DIFFER = "rows.differ"
"""`kind` in `report.json`: a bucket whose rows do not add up to the server's after a fresh pass."""

VERSION = 1
"""Version of the envelope; another way to make a box is another number."""

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16

KEY_INFO = b"lamplighter sealed v1"
"""Info of the HKDF; also the first line of what a box is bound to."""

LONGEST_ABOUT = 64
"""Letters of what names an envelope: a SHA-256 in hexadecimal."""

MAX_ENVELOPES = 200
"""In one request, as many as a push has operations (RULINGS R12)."""

MAX_SEALED_BYTES = 17 * 1024 * 1024
"""Size of a request: one photo of 12 MB (RULINGS R12) in base64, and its envelope."""

_LONGEST_BOX = MAX_SEALED_BYTES


class SealedKind(StrEnum):
    """What is inside."""

    OPERATION = "operation"
    DRAFT = "draft"
    BLOB = "blob"
    STORE = "store"


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One sealed thing.

    Attributes:
        kind: What is inside.
        about: Its name outside: the operation's id, the draft's record id, the SHA-256 of the file
            or of the zip.
        key_id: `key_id_of` the server's public key that it was sealed to.
        ephemeral: Public half of the box's own key pair, 32 bytes.
        nonce: 12 bytes.
        box: Ciphertext and tag.
    """

    kind: SealedKind
    about: str
    key_id: str
    ephemeral: bytes
    nonce: bytes
    box: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedRequest:
    """The body of `POST /sync/v1/sealed`; `replica_id` and `told` as in a push."""

    replica_id: str
    envelopes: Sequence[Envelope]
    protocol: int
    told: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedResult:
    """The server holds the thing for ever; `is_opened` is False when only as it came.

    `told_ms`: of an operation when the server took it, ms since 1970, `NO_EFFECT` where it had
    none; None of other things, of what is not opened, and from a server that does not say.
    """

    kind: SealedKind
    about: str
    is_opened: bool
    told_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedAnswer:
    """One result per envelope, in the order sent: all of them may be deleted on the tablet."""

    server_epoch: int
    server_now_ms: int
    protocol: int
    results: Sequence[SealedResult]


def key_id_of(public_key: bytes) -> str:
    """Return the short name of a public key: the first 8 bytes of its SHA-256, in hex."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def bound_bytes(kind: SealedKind, about: str) -> bytes:
    """Return what a box is bound to, so that it opens under its own name only."""
    return b"\n".join((KEY_INFO, kind.encode(), about.encode()))


def dump_operation(operation: Operation) -> bytes:
    """Return an operation as the plaintext of its box; equal operations have equal bytes."""
    return dump_json(operation_json(operation))


def key_text(public_key: bytes) -> str:
    """Return a public key as it travels in the answer to a pull."""
    return base64.b64encode(public_key).decode()


def parse_key(reader: FieldReader, key: str) -> bytes:
    """Return a public key; raise ContractError when it is not 32 bytes of base64."""
    return _bytes(reader, key, low=KEY_BYTES, high=KEY_BYTES)


def envelope_json(envelope: Envelope) -> JsonObject:
    """Return the envelope as JSON."""
    return {
        "v": VERSION,
        "kind": str(envelope.kind),
        "about": envelope.about,
        "key": envelope.key_id,
        "eph": base64.b64encode(envelope.ephemeral).decode(),
        "nonce": base64.b64encode(envelope.nonce).decode(),
        "box": base64.b64encode(envelope.box).decode(),
    }


def parse_envelope(reader: FieldReader) -> Envelope:
    """Return the envelope; raise ContractError that names the field."""
    reader.integer("v", low=VERSION, high=VERSION)
    return Envelope(
        kind=reader.choice("kind", SealedKind),
        about=reader.text("about", longest=LONGEST_ABOUT),
        key_id=reader.text("key", longest=16),
        ephemeral=_bytes(reader, "eph", low=KEY_BYTES, high=KEY_BYTES),
        nonce=_bytes(reader, "nonce", low=NONCE_BYTES, high=NONCE_BYTES),
        box=_bytes(reader, "box", low=TAG_BYTES, high=_LONGEST_BOX),
    )


def _bytes(reader: FieldReader, key: str, *, low: int, high: int) -> bytes:
    text = reader.text(key, longest=high * 4 // 3 + 4)
    try:
        plain = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise reader.refuse(
            key, "is not base64", "send base64 with padding", Code.FIELD_RANGE
        ) from error
    if not low <= len(plain) <= high:
        problem = f"has {len(plain)} bytes, not {low}..{high}"
        raise reader.refuse(key, problem, "correct the sender", Code.FIELD_RANGE)
    return plain


def dump_sealed(request: SealedRequest) -> bytes:
    """Return the request as JSON."""
    return dump_json(
        {
            **told_json(request.told),
            "v": request.protocol,
            "replica": request.replica_id,
            "sealed": [envelope_json(each) for each in request.envelopes],
        }
    )


def parse_sealed(root: FieldReader) -> SealedRequest:
    """Return the request; raise ContractError that names the field."""
    envelopes = root.objects("sealed", longest=MAX_ENVELOPES)
    return SealedRequest(
        protocol=root.integer("v", low=0, high=MAX_VERSION),
        replica_id=root.text("replica", longest=64),
        envelopes=tuple(parse_envelope(reader) for reader in envelopes),
        told=parse_told(root),
    )


def dump_sealed_answer(answer: SealedAnswer) -> bytes:
    """Return the answer as JSON."""
    return dump_json(
        {
            "v": answer.protocol,
            "se": answer.server_epoch,
            "now": answer.server_now_ms,
            "results": [_result_json(each) for each in answer.results],
        }
    )


def _result_json(result: SealedResult) -> JsonObject:
    told: JsonObject = {} if result.told_ms is None else {"told": result.told_ms}
    opened: JsonObject = {"opened": result.is_opened}
    return {"kind": str(result.kind), "about": result.about, **opened, **told}


def parse_sealed_answer(root: FieldReader) -> SealedAnswer:
    """Return the answer; raise ContractError that names the field."""
    return SealedAnswer(
        protocol=root.integer("v", low=1, high=MAX_VERSION),
        server_epoch=root.integer("se", low=0, high=2**63 - 1),
        server_now_ms=root.integer("now", low=0, high=LATEST_MS),
        results=tuple(
            SealedResult(
                kind=reader.choice("kind", SealedKind),
                about=reader.text("about", longest=LONGEST_ABOUT),
                is_opened=reader.boolean("opened"),
                told_ms=reader.integer("told", low=0, high=LATEST_MS)
                if reader.has("told")
                else None,
            )
            for reader in root.objects("results", longest=MAX_ENVELOPES)
        ),
    )
