"""A machine without camera, tags, position, sound or vibration: it says so, and never pretends."""

from collections.abc import Callable, Sequence

from field_app.platform.ports import Availability, Fix, Hardware, Sound, Stop, Tag, Vault


def _(msgid: str) -> str:
    """Mark a msgid for the catalogue; the words are looked up when they are shown."""
    return msgid


def _nothing() -> None:
    return


class NoCamera:
    """No camera."""

    def availability(self) -> Availability:
        """Return that photos cannot be taken."""
        return Availability(is_available=False, reason=_("This machine has no camera."))

    def take_photo(self, taken: Callable[[bytes | None], None]) -> None:
        """Hand over None: there is no camera."""
        taken(None)


class NoTagReader:
    """No tag reader."""

    def availability(self) -> Availability:
        """Return that tags cannot be read."""
        return Availability(
            is_available=False, reason=_("This machine cannot read tags; type the number.")
        )

    def listen(self, found: Callable[[Tag], None]) -> Stop:
        """Hear nothing: there is no reader."""
        del found
        return _nothing


class NoCodeScanner:
    """No scanner of printed codes."""

    def availability(self) -> Availability:
        """Return that codes cannot be read."""
        return Availability(
            is_available=False, reason=_("This machine cannot scan codes; type what is printed.")
        )

    def scan(self, scanned: Callable[[Tag | None], None]) -> None:
        """Hand over None: there is no scanner."""
        scanned(None)


class NoLocator:
    """No position."""

    def availability(self) -> Availability:
        """Return that the position is not known."""
        return Availability(
            is_available=False, reason=_("This machine does not know its position.")
        )

    def start(self) -> None:
        """Do nothing: there is no position."""

    def stop(self) -> None:
        """Do nothing: there is no position."""

    def fix(self) -> Fix | None:
        """Return None: there is no position."""
        return None


class NoVibrator:
    """No vibration."""

    def availability(self) -> Availability:
        """Return that the machine cannot vibrate."""
        return Availability(is_available=False, reason=_("This machine does not vibrate."))

    def vibrate(self, pattern_ms: Sequence[int]) -> None:
        """Do nothing."""
        del pattern_ms


class NoSounder:
    """No sound."""

    def availability(self) -> Availability:
        """Return that the machine cannot be heard."""
        return Availability(is_available=False, reason=_("This machine makes no sound."))

    def play(self, sound: Sound) -> None:
        """Do nothing."""
        del sound


def desktop_hardware(vault: Vault) -> Hardware:
    """Return the ports of a desktop machine; its vault is the tablet's own."""
    return Hardware(
        camera=NoCamera(),
        tag_reader=NoTagReader(),
        code_scanner=NoCodeScanner(),
        locator=NoLocator(),
        vibrator=NoVibrator(),
        sounder=NoSounder(),
        vault=vault,
    )
