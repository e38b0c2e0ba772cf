"""The one error of a telegram: it cannot be taken for what it should be."""


class TelegramError(ValueError):
    """Bytes that are no usable telegram; the text reads `field: problem`, with the value."""
