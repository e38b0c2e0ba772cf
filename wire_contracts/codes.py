"""The stable error codes that travel on the wire; a code is never renamed or reused."""

from enum import StrEnum


class Code(StrEnum):
    """A reason that a machine may react to; the text beside it is for people."""

    # frames and batches
    JSON_SYNTAX = "json.syntax"
    FIELD_MISSING = "field.missing"
    FIELD_TYPE = "field.type"
    FIELD_RANGE = "field.range"
    FIELD_UNKNOWN = "field.unknown"
    VERSION_UNSUPPORTED = "version.unsupported"
    PAYLOAD_TOO_LARGE = "payload.too_large"
    PAYLOAD_FORM = "payload.form"
    TOPIC_MISMATCH = "topic.mismatch"
    GATEWAY_UNKNOWN = "gateway.unknown"
    METER_UNKNOWN = "meter.unknown"
    READING_TIMEZONE = "reading.timezone"
    READING_FUTURE = "reading.future"
    READING_TIME_UNKNOWN = "reading.time_unknown"
    FRAME_CONFLICT = "frame.conflict"
    # orders to a gateway
    SIGNATURE_UNTRUSTED = "signature.untrusted"
    SIGNATURE_INVALID = "signature.invalid"
    COMMAND_ADDRESSEE = "command.addressee"
    COMMAND_EXPIRED = "command.expired"
    COMMAND_EARLY = "command.early"
    COMMAND_BUSY = "command.busy"
    COMMAND_INTERRUPTED = "command.interrupted"
    REVISION_OLD = "revision.old"
    REVISION_SETTINGS = "revision.settings"
    REVISION_ROLLED_BACK = "revision.rolled_back"
    REVISION_UNKNOWN = "revision.unknown"
    WRITE_DISABLED = "write.disabled"
    WRITE_RANGE = "write.range"
    WRITE_MISMATCH = "write.mismatch"
    WRITE_REFUSED = "write.refused"
    METER_SILENT = "meter.silent"
    # log-in and authority
    LOGIN_REFUSED = "login.refused"
    LOGIN_BUSY = "login.busy"
    LOGIN_LIMITED = "login.limited"
    FACTOR_MISSING = "factor.missing"
    FACTOR_UNSET = "factor.unset"
    PASSWORD_WEAK = "password.weak"  # noqa: S105  # a code, not a secret
    CODE_REFUSED = "code.refused"
    TOKEN_MISSING = "token.missing"  # noqa: S105  # a code, not a secret
    TOKEN_EXPIRED = "token.expired"  # noqa: S105  # a code, not a secret
    TOKEN_REVOKED = "token.revoked"  # noqa: S105  # a code, not a secret
    TOKEN_INVALID = "token.invalid"  # noqa: S105  # a code, not a secret
    ROLE_REFUSED = "role.refused"
    ORIGIN_REFUSED = "origin.refused"
    # life cycles and sync
    STATE = "state"
    TAKEN = "taken"
    EVIDENCE_MISSING = "evidence.missing"
    GONE = "gone"
    NOT_YOURS = "not_yours"
    FIELD_OFFICE = "field.office"
    ENTITY_UNKNOWN = "entity.unknown"
    OP_ID_REUSE = "op_id_reuse"
    OPERATION_FAILED = "operation.failed"
    APP_TOO_OLD = "app.too_old"
    PULL_RESET = "pull.reset"
    BLOB_OFFSET = "blob.offset"
    BLOB_HASH = "blob.hash"
    BLOB_CONTENT = "blob.content"
    BLOB_QUOTA = "blob.quota"
    DISK_FULL = "disk.full"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    STORE_DAMAGED = "store.damaged"
    HELP_WANTED = "help.wanted"
    HANDED_OVER = "handed.over"
