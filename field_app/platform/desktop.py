"""A machine without camera, tag reader or position: it says so, and never pretends."""

from field_app.platform.ports import Availability, Fix, Hardware, Vault


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


def desktop_hardware(vault: Vault) -> Hardware:
    """Return the ports of a desktop machine; its vault is the tablet's own."""
    return Hardware(camera=NoCamera(), tag_reader=NoTagReader(), locator=NoLocator(), vault=vault)
