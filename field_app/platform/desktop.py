"""A machine without camera, tag reader, position or vault: it says so, and never pretends."""

from field_app.platform.ports import Availability, Fix, Hardware


def _(msgid: str) -> str:
    """Mark a msgid for the catalogue; the words are looked up when they are shown."""
    return msgid


class NoCamera:
    """No camera."""

    def availability(self) -> Availability:
        """Return that photos cannot be taken."""
        return Availability(is_available=False, reason=_("This machine has no camera."))

    def take_photo(self) -> bytes | None:
        """Return None: there is no camera."""
        return None


class NoTagReader:
    """No tag reader."""

    def availability(self) -> Availability:
        """Return that tags cannot be read."""
        return Availability(
            is_available=False, reason=_("This machine cannot read tags; type the number.")
        )

    def read_tag(self) -> str | None:
        """Return None: there is no reader."""
        return None


class NoLocator:
    """No position."""

    def availability(self) -> Availability:
        """Return that the position is not known."""
        return Availability(
            is_available=False, reason=_("This machine does not know its position.")
        )

    def fix(self) -> Fix | None:
        """Return None: there is no position."""
        return None


class NoVault:
    """No encryption at rest."""

    def availability(self) -> Availability:
        """Return that personal data and photos are not kept."""
        return Availability(
            is_available=False,
            reason=_("Without a vault no photos and no personal data are kept here."),
        )

    def seal(self, plain: bytes) -> bytes | None:
        """Return None: nothing may be kept."""
        del plain
        return None


def desktop_hardware() -> Hardware:
    """Return the ports of a desktop machine."""
    return Hardware(
        camera=NoCamera(), tag_reader=NoTagReader(), locator=NoLocator(), vault=NoVault()
    )
