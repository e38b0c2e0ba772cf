"""Orders to a gateway on `cmd`, signed, and its answers on `res` (ADR 0015).

The signature covers the exact bytes of the body, so that nothing is read before it is verified.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from wire_contracts.codes import Code
from wire_contracts.fields import FieldReader, JsonObject
from wire_contracts.frames import EARLIEST_MS, LATEST_MS, ms_from_utc, utc_from_ms
from wire_contracts.payloads import dump_json
from wire_contracts.topics import check_gateway_id

MAX_BODY_CHARACTERS = 400_000
"""Longest body of a command; what carries it is at most 1 MiB inflated (RULINGS R12)."""

MAX_SETTINGS_CHARACTERS = 100_000
MAX_PROFILES = 50
MAX_PROFILE_CHARACTERS = 60_000

LONGEST_LIFE = timedelta(days=30)
"""Between `created` and `expires`: a gateway remembers ids until they have expired."""

MAX_FACTS = 300
MAX_FACT_CHARACTERS = 500

_PURPOSE = b"lamplighter command v1\n"
"""Signed before the body, so that a signature is good for nothing else."""

_COMMAND_ID = re.compile(r"[a-z0-9-]{8,40}")
_KEY_ID = re.compile(r"[0-9a-f]{16}")
_PROFILE_FILE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,70}@[0-9]{1,6}\.toml")
_VALUE = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,12})?")
_SIGNATURE_BYTES = 64


class CommandKind(StrEnum):
    """What a gateway may be told to do."""

    PING = "ping"
    READ_NOW = "read-now"
    IDENTIFY = "identify"
    GET_CONFIG = "get-config"
    APPLY_CONFIG = "apply-config"
    ROLLBACK_CONFIG = "rollback-config"
    WRITE = "write"


class CommandOutcome(StrEnum):
    """How it ended; `accepted` alone is followed by another answer to the same id."""

    ACCEPTED = "accepted"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """Nobody can say whether it took effect: look before doing it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionProfile:
    """A site profile that comes with a revision: its file `ID@REVISION.toml`, and the TOML."""

    file_name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """Answer, so that somebody knows the way is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadNow:
    """Read one meter at once; the frames go the usual way too. `group` None: every group."""

    meter: str
    group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifyMeter:
    """Ask what answers at a configured meter's address."""

    meter: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetConfig:
    """Say which settings are in force: number, state, SHA-256."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyConfig:
    """Put a configuration revision on trial.

    Attributes:
        number: Rises with every revision of this gateway.
        settings: TOML of what may be changed from afar.
        profiles: Site profiles that come with it.
    """

    number: int
    settings: str
    profiles: Sequence[RevisionProfile] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackConfig:
    """Leave this revision and go back to the one before it."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRegister:
    """Write a value into a meter: a register by its profile's name, the value in decimal."""

    meter: str
    register: str
    value: str


Order = Ping | ReadNow | IdentifyMeter | GetConfig | ApplyConfig | RollbackConfig | WriteRegister

_KINDS: Mapping[type[Order], CommandKind] = {
    Ping: CommandKind.PING,
    ReadNow: CommandKind.READ_NOW,
    IdentifyMeter: CommandKind.IDENTIFY,
    GetConfig: CommandKind.GET_CONFIG,
    ApplyConfig: CommandKind.APPLY_CONFIG,
    RollbackConfig: CommandKind.ROLLBACK_CONFIG,
    WriteRegister: CommandKind.WRITE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One order to one gateway.

    Attributes:
        command_id: Its only identity: the same id has the same effect, once.
        gateway_id: Whom it is for.
        created_at_utc: When it was signed.
        expires_at_utc: From then on it is refused.
        by: Id of who ordered it, for the audit.
        order: What to do.
    """

    command_id: str
    gateway_id: str
    created_at_utc: datetime
    expires_at_utc: datetime
    by: str
    order: Order

    @property
    def kind(self) -> CommandKind:
        """The kind of its order."""
        return _KINDS[type(self.order)]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedText:
    """What travels: a body nobody has looked into yet, who signed it, and the signature."""

    key_id: str
    body: str
    signature: bytes

    def signed_bytes(self) -> bytes:
        """Return what the signature covers."""
        return bytes_to_sign(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """What became of a command.

    Attributes:
        command_id: The command's id.
        gateway_id: Who answers.
        at_utc: When, by the gateway's clock.
        outcome: How it ended.
        code: A stable word where it was not done, else empty.
        text: The same for people.
        facts: What was asked for, name to text.
    """

    command_id: str
    gateway_id: str
    at_utc: datetime
    outcome: CommandOutcome
    code: str = ""
    text: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


def bytes_to_sign(body: str) -> bytes:
    """Return the bytes that a signature of this body covers."""
    return _PURPOSE + body.encode()


def dump_signed(signed: SignedText) -> bytes:
    """Return the message on `cmd` as JSON; the sender packs it."""
    return dump_json(
        {
            "v": 1,
            "key": signed.key_id,
            "sig": base64.b64encode(signed.signature).decode(),
            "body": signed.body,
        }
    )


def parse_signed(root: FieldReader) -> SignedText:
    """Return the envelope; raise ContractError that names the field. Its body is still unread."""
    root.integer("v", low=1, high=1)
    root.refuse_unknown(frozenset({"v", "key", "sig", "body"}))
    return SignedText(
        key_id=_matching(root, "key", _KEY_ID, "16 digits 0-9 a-f"),
        signature=_signature(root),
        body=root.text("body", longest=MAX_BODY_CHARACTERS),
    )


def _signature(root: FieldReader) -> bytes:
    text = root.text("sig", longest=100)
    try:
        signature = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        signature = b""
    if len(signature) != _SIGNATURE_BYTES:
        raise root.refuse(
            "sig",
            "is not base64 of 64 bytes",
            "sign with Ed25519",
            Code.FIELD_TYPE,
        )
    return signature


def _matching(root: FieldReader, key: str, pattern: re.Pattern[str], remedy: str) -> str:
    text = root.text(key)
    if not pattern.fullmatch(text):
        problem = f"{text[:60]!r} does not fit"
        raise root.refuse(key, problem, f"give {remedy}", Code.FIELD_RANGE)
    return text


def dump_command(command: Command) -> str:
    """Return the body that is signed: JSON of everything the command says."""
    values: dict[str, object] = {
        "v": 1,
        "id": command.command_id,
        "gw": command.gateway_id,
        "created": ms_from_utc(command.created_at_utc),
        "expires": ms_from_utc(command.expires_at_utc),
        "by": command.by,
        "do": str(command.kind),
        **_arguments(command.order),
    }
    return dump_json(values).decode()  # type: ignore[arg-type]  # built of JSON values above


def _arguments(order: Order) -> JsonObject:
    match order:
        case Ping() | GetConfig():
            return {}
        case ReadNow():
            extra = {} if order.group is None else {"group": order.group}
            return {"meter": order.meter, **extra}
        case IdentifyMeter():
            return {"meter": order.meter}
        case ApplyConfig():
            profiles = [{"file": each.file_name, "text": each.text} for each in order.profiles]
            return {"number": order.number, "settings": order.settings, "profiles": profiles}
        case RollbackConfig():
            return {"number": order.number}
        case WriteRegister():
            return {"meter": order.meter, "register": order.register, "value": order.value}


_SHARED = frozenset({"v", "id", "gw", "created", "expires", "by", "do"})


def parse_command(root: FieldReader) -> Command:
    """Return the command of a verified body; raise ContractError that names the field.

    A field that is not known is refused: an order is not followed in part.
    """
    root.integer("v", low=1, high=1)
    kind = root.choice("do", CommandKind)
    created = utc_from_ms(root.integer("created", low=EARLIEST_MS, high=LATEST_MS))
    expires = utc_from_ms(root.integer("expires", low=EARLIEST_MS, high=LATEST_MS))
    if not timedelta(0) < expires - created <= LONGEST_LIFE:
        raise root.refuse(
            "expires",
            f"is {expires - created} after created",
            f"let it expire within {LONGEST_LIFE.days} days",
            Code.FIELD_RANGE,
        )
    fields, read = _ORDERS[kind]
    root.refuse_unknown(_SHARED | fields)
    return Command(
        command_id=_matching(root, "id", _COMMAND_ID, "8 to 40 of a-z 0-9 -"),
        gateway_id=check_gateway_id(root.text("gw"), place=root.place, field="gw"),
        created_at_utc=created,
        expires_at_utc=expires,
        by=root.text("by", longest=64),
        order=read(root),
    )


def _ping(_root: FieldReader) -> Order:
    return Ping()


def _get_config(_root: FieldReader) -> Order:
    return GetConfig()


def _read_now(root: FieldReader) -> Order:
    return ReadNow(
        meter=root.text("meter", longest=64), group=root.text_or_none("group", longest=64)
    )


def _identify(root: FieldReader) -> Order:
    return IdentifyMeter(meter=root.text("meter", longest=64))


def _apply_config(root: FieldReader) -> Order:
    profiles = tuple(_profile(each) for each in root.objects("profiles", longest=MAX_PROFILES))
    names = [profile.file_name for profile in profiles]
    for name in names:
        if names.count(name) > 1:
            raise root.refuse("profiles", f"{name!r} occurs twice", "send it once", Code.CONFLICT)
    return ApplyConfig(
        number=_number(root),
        settings=root.text("settings", longest=MAX_SETTINGS_CHARACTERS),
        profiles=profiles,
    )


def _profile(reader: FieldReader) -> RevisionProfile:
    reader.refuse_unknown(frozenset({"file", "text"}))
    return RevisionProfile(
        file_name=_matching(reader, "file", _PROFILE_FILE, "ID@REVISION.toml"),
        text=reader.text("text", longest=MAX_PROFILE_CHARACTERS),
    )


def _number(root: FieldReader) -> int:
    return root.integer("number", low=1, high=999_999_999)


def _rollback(root: FieldReader) -> Order:
    return RollbackConfig(number=_number(root))


def _write(root: FieldReader) -> Order:
    return WriteRegister(
        meter=root.text("meter", longest=64),
        register=root.text("register", longest=64),
        value=_matching(root, "value", _VALUE, "a decimal number such as -12.5"),
    )


_ORDERS: Mapping[CommandKind, tuple[frozenset[str], Callable[[FieldReader], Order]]] = {
    CommandKind.PING: (frozenset(), _ping),
    CommandKind.GET_CONFIG: (frozenset(), _get_config),
    CommandKind.READ_NOW: (frozenset({"meter", "group"}), _read_now),
    CommandKind.IDENTIFY: (frozenset({"meter"}), _identify),
    CommandKind.APPLY_CONFIG: (frozenset({"number", "settings", "profiles"}), _apply_config),
    CommandKind.ROLLBACK_CONFIG: (frozenset({"number"}), _rollback),
    CommandKind.WRITE: (frozenset({"meter", "register", "value"}), _write),
}


def dump_result(result: CommandResult) -> bytes:
    """Return the message on `res` as JSON; the sender packs it."""
    return dump_json(
        {
            "v": 1,
            "id": result.command_id,
            "gw": result.gateway_id,
            "t": ms_from_utc(result.at_utc),
            "outcome": str(result.outcome),
            "code": result.code or None,
            "text": result.text or None,
            "facts": result.facts,
        }
    )


def parse_result(root: FieldReader) -> CommandResult:
    """Return the answer; raise ContractError that names the field."""
    root.integer("v", low=1, high=1)
    return CommandResult(
        command_id=_matching(root, "id", _COMMAND_ID, "the command's id"),
        gateway_id=check_gateway_id(root.text("gw"), place=root.place, field="gw"),
        at_utc=utc_from_ms(root.integer("t", low=EARLIEST_MS, high=LATEST_MS)),
        outcome=root.choice("outcome", CommandOutcome),
        code=root.text_or_none("code", longest=40) or "",
        text=root.text_or_none("text", longest=2000) or "",
        facts=_facts(root.object_or_empty("facts")),
    )


def _facts(reader: FieldReader) -> Mapping[str, str]:
    if len(reader.values) > MAX_FACTS:
        problem = f"has {len(reader.values)} facts"
        raise reader.refuse("", problem, f"send at most {MAX_FACTS}", Code.PAYLOAD_TOO_LARGE)
    return {name: reader.text(name, longest=MAX_FACT_CHARACTERS) for name in reader.values}
