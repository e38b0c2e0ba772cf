"""Sorts a push into operations that can be read and ones that cannot: none blocks another."""

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonObject, JsonValue
from wire_contracts.operations import (
    MAX_ACTION_BYTES,
    MAX_OPERATIONS,
    MAX_PUSH_BYTES,
    Operation,
    operation_id,
    operation_json,
    parse_operation,
    parse_told,
    quick_operation,
)
from wire_contracts.order_copies import OrderCopy, parse_copies
from wire_contracts.payloads import dump_json, has_digits, read_json

_LONG_NUMBER_DIGITS = 19
"""From so many digits on a whole number may have more than 64 bits with its sign."""

DEEPEST = 32
"""Levels of an operation: what nests deeper cannot be kept and shown by every reader after us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """An operation that cannot be read beyond its id: kept verbatim, refused, reviewed."""

    op_id: str
    code: Code
    reason: str
    body: JsonObject


Entry = Operation | Broken
"""What was sent under one id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPush:
    """A push taken apart; `entries` keeps the order in which the operations were sent.

    `told`: what a server that was restored since had told of operations, `orders`: what the tablet
    held of orders (`WrittenPush`).
    """

    protocol: int
    replica_id: str
    entries: Sequence[Entry]
    told: Mapping[str, int] = field(default_factory=dict)
    orders: Sequence[OrderCopy] = ()


def open_push(place: str, body: bytes) -> ReadPush:
    """Return the push of a request's body.

    Raises:
        ContractError: As `read_push`; or it is no JSON, or larger than a push may be: of several
            user actions `MAX_PUSH_BYTES`, of one alone `MAX_ACTION_BYTES`.
    """
    if len(body) > MAX_ACTION_BYTES:
        raise too_large(place, MAX_ACTION_BYTES, _FEWER)
    push = read_push(read_json(place, body, quick_json))
    if len(body) > MAX_PUSH_BYTES and not _is_one_action(push):
        raise too_large(place, MAX_PUSH_BYTES, _FEWER)
    return push


_FEWER = "send fewer operations at once"


def too_large(place: str, most_bytes: int, remedy: str) -> ContractError:
    """Return the refusal of a body that is larger than `most_bytes`."""
    return ContractError(
        place=place,
        field="body",
        problem=f"is larger than {most_bytes} bytes",
        remedy=remedy,
        code=Code.PAYLOAD_TOO_LARGE,
    )


def _is_one_action(push: ReadPush) -> bool:
    """Return whether nothing of a push could be sent by itself."""
    actions = {each.op_id if isinstance(each, Broken) else each.group for each in push.entries}
    return len(actions) == 1 and not push.orders


def read_push(root: FieldReader) -> ReadPush:
    """Return the push.

    Raises:
        ContractError: The envelope is broken, or an operation lacks the id by which it could be
            refused: nothing of the push is taken, the sender must be corrected.
    """
    return ReadPush(
        protocol=root.integer("v", low=0, high=1000),
        replica_id=clean_text(root.text("replica", longest=64)),
        entries=tuple(_entries(root)),
        told=parse_told(root),
        orders=tuple(_copies(root)),
    )


def _copies(root: FieldReader) -> Iterator[OrderCopy]:
    for copy in parse_copies(root):
        if _is_deeper_than(DEEPEST, copy.document):
            problem = f"is nested deeper than {DEEPEST} levels"
            raise root.refuse("orders", problem, "send flatter content", Code.FIELD_RANGE)
        yield copy


def _entries(root: FieldReader) -> Iterator[Entry]:
    """Yield the operations; a reader is made only where not all of them are as usual."""
    operations = root.array("ops", longest=MAX_OPERATIONS)
    usual = [_usual(each) if type(each) is dict else None for each in operations]
    readers = root.objects("ops", longest=MAX_OPERATIONS) if None in usual else ()
    for place, operation in enumerate(usual):
        yield operation or read_operation(readers[place])


def _usual(values: JsonObject) -> Operation | None:
    operation = quick_operation(values)
    if operation is None or not _has_plain_names(operation):
        return None
    return operation if _has_plain_numbers(operation) else None


def quick_json(plain: bytes) -> object:
    """Return what orjson reads, for `wire_contracts.payloads.read_json`.

    Raises:
        ValueError: It is no JSON, or has a number of so many digits that orjson may make a float
            of it: the hash of an operation must not depend on who read it.
    """
    if has_digits(plain, _LONG_NUMBER_DIGITS):
        message = "a number may be longer than 64 bits"
        raise ValueError(message)
    return orjson.loads(plain)


def read_operation(reader: FieldReader) -> Entry:
    """Return one operation; raise ContractError when not even its id can be read."""
    op_id = operation_id(reader)
    if _is_deeper_than(DEEPEST, reader.values):
        problem = f"is nested deeper than {DEEPEST} levels"
        raise reader.refuse("payload", problem, "send flatter content", Code.FIELD_RANGE)
    try:
        operation = parse_operation(reader)
    except ContractError as error:
        # the error's own text shows the value, and the reason stays in the ledger for ever (R7)
        reason = f"{error.field}: cannot be read; the whole of it is kept for a person"
        return Broken(op_id=op_id, code=error.code, reason=reason, body=reader.values)
    if not _has_plain_numbers(operation):
        reason = "a number in it is beyond every register; the whole of it is kept for a person"
        return Broken(op_id=op_id, code=Code.FIELD_RANGE, reason=reason, body=reader.values)
    if _has_plain_names(operation):
        return operation
    reason = "a name in it holds NUL or half a character; the whole of it is kept for a person"
    return Broken(op_id=op_id, code=Code.FIELD_RANGE, reason=reason, body=reader.values)


def _has_plain_names(operation: Operation) -> bool:
    """Return whether every database can look up what the operation names.

    PostgreSQL takes neither NUL nor half a surrogate pair: asked for such a thing it fails, and so
    does the refusal, which names it again.
    """
    payload = operation.payload
    order_id = None if payload is None else payload.get("order_id")
    names = (
        f"{operation.entity}{operation.entity_id}{operation.field}{operation.actor}"
        f"{operation.at.boot_id}{operation.session}{operation.app}"
        f"{order_id if isinstance(order_id, str) else ''}"
    )
    return clean_text(names) == names


def _has_plain_numbers(operation: Operation) -> bool:
    """Return whether a field's values can be kept beside those of the office.

    Whole numbers of 64 bits, and floats that are no infinity. One that is not would be found out
    when the values are written, and the good words of the same action would go down with it.
    """
    payload = operation.payload
    if payload is not None and not _is_finite(payload):
        return False
    return _is_short(operation.old) and _is_short(operation.new)


def _is_short(value: JsonValue) -> bool:
    if type(value) in _PLAIN:
        return True
    if type(value) is int:
        return -_BEYOND_64_BITS <= value < _BEYOND_64_BITS
    return _is_finite(value) and all(map(_is_short, _inner(value)))


_BEYOND_64_BITS = 2**63


def _is_finite(value: JsonValue) -> bool:
    if type(value) is float:
        return math.isfinite(value)
    return all(map(_is_finite, _inner(value))) if type(value) in _NESTS else True


def _is_deeper_than(levels: int, value: JsonValue) -> bool:
    inside: list[JsonValue] = [value]
    for _ in range(levels - 1):
        inside = [inner for each in inside for inner in _inner(each) if type(inner) in _NESTS]
        if not inside:
            return False
    return any(inside)


_NESTS = frozenset({dict, list})
"""What JSON nests in."""


def _inner(value: JsonValue) -> Iterable[JsonValue]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list) else ()


def body_of(entry: Entry) -> JsonObject:
    """Return the operation as JSON, as it is kept when it is not applied."""
    return entry.body if isinstance(entry, Broken) else operation_json(entry)


def canonical(entry: Entry) -> bytes:
    """Return the operation as canonical JSON.

    What strict JSON does not take is kept all the same: halves of surrogate pairs as escapes, a
    number beyond every float as Infinity.
    """
    body = body_of(entry)
    try:
        if _is_plain(entry):
            return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
        return dump_json(body)
    except (ValueError, orjson.JSONEncodeError):
        return json.dumps(body, separators=(",", ":"), sort_keys=True).encode()


_PLAIN = frozenset({str, bool, type(None)})


def _is_plain(entry: Entry) -> bool:
    """Return whether there is nothing in it but text and numbers of our own.

    Of such a body orjson makes the bytes that `dump_json` makes, in a tenth of the time; of some
    floats and long numbers it does not.
    """
    return (
        isinstance(entry, Operation)
        and entry.payload is None
        and type(entry.old) in _PLAIN
        and type(entry.new) in _PLAIN
    )


def readable(entry: Entry) -> str:
    """Return the operation as JSON text that every database and page takes."""
    text = json.dumps(body_of(entry), separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return clean_text(text)


def clean_text(text: str) -> str:
    """Return the text without what no database takes: NUL and halves of surrogate pairs."""
    if text.isascii():
        return text.replace("\0", "?") if "\0" in text else text
    return text.encode("utf-8", "replace").decode().replace("\0", "?")


def payload_hash(entry: Entry) -> str:
    """Return the SHA-256 of the operation's canonical JSON: equal content, equal hash."""
    return hashlib.sha256(canonical(entry)).hexdigest()
