"""What a telegram is refused with: a text for a person, a stable code for programs."""

from enum import StrEnum


class TelegramError(ValueError):
    """Bytes that are no usable telegram; the text reads `field: problem`, with the value."""


class TelegramCode(StrEnum):
    """Why an M-Bus or wireless M-Bus telegram is refused; stable, for programs."""

    LENGTH = "telegram.length"
    FRAME = "telegram.frame"
    CHECKSUM = "telegram.checksum"
    CUT = "telegram.cut"
    CHAIN = "telegram.chain"
    RESERVED = "telegram.reserved"
    UNSUPPORTED = "telegram.unsupported"
    APPLICATION_ERROR = "telegram.application_error"
    EMPTY = "telegram.empty"
    VENDOR_CODED = "telegram.vendor_coded"
    ENCRYPTED = "telegram.encrypted"
    WRONG_KEY = "telegram.wrong_key"
    MAC = "telegram.mac"
    COMPACT = "telegram.compact"


class RefusedTelegramError(TelegramError):
    """A telegram that is not read, and why; the text reads `place: field: problem; remedy`.

    Attributes:
        code: The stable reason.
        place: Layer of the protocol, such as `link layer` or `record 3`.
        field: The field in it.
        problem: What is wrong, with the value.
        remedy: What to do about it.
    """

    def __init__(
        self, code: TelegramCode, place: str, field: str, problem: str, remedy: str
    ) -> None:
        """Keep the parts and build the text from them."""
        super().__init__(f"{place}: {field}: {problem}; {remedy}")
        self.code = code
        self.place = place
        self.field = field
        self.problem = problem
        self.remedy = remedy


class ApplicationError(RefusedTelegramError):
    """A telegram in which the meter itself says that it cannot answer.

    Attributes:
        number: The meter's error code, 0..255; EN 13757-3:2018 table 21.
    """

    def __init__(self, place: str, field: str, problem: str, *, number: int) -> None:
        """Keep the number beside the parts."""
        code = TelegramCode.APPLICATION_ERROR
        super().__init__(code, place, field, problem, "look at the meter")
        self.number = number
