"""StopNumbers: the number on the lid and the one on the map of each stop; either one finds it."""

from field_app.patrols.map_numbers import is_known_as, map_numbers, number_on_map, place_with
from field_app.patrols.presence import Evidence, Presence, by_tag
from field_app.platform.ports import Fix, Tag
from field_app.presenters.ports import Words
from field_app.presenters.round_parts import RoundParts
from field_app.presenters.round_wording import presence_text


class StopNumbers:
    """The numbers of the stops; the map is read once, away from the screen's thread."""

    def __init__(self, parts: RoundParts) -> None:
        """Look into the map and the checkpoints of `parts`."""
        self._parts = parts
        self._numbers: dict[str, str] | None = None

    def on_map(self, checkpoint_id: str) -> str:
        """Return what the map calls a checkpoint, empty where it does not show it."""
        return number_on_map(self._known(), checkpoint_id)

    def evidence(self, checkpoint_id: str, tag: Tag, fix: Fix | None) -> Evidence:
        """Return whether what was read is the tag of a checkpoint, or its number on the map."""
        checkpoints = self._parts.desk.checkpoints()
        on_map = self.on_map(checkpoint_id)
        is_on_map = is_known_as(tag.text, checkpoint_id, on_map, checkpoints)
        return by_tag(checkpoints[checkpoint_id], tag, fix, is_on_map=is_on_map)

    def trouble_text(self, evidence: Evidence) -> str:
        """Return why what was read does not count, and whose number it is; empty when it does."""
        t = self._parts.context.words
        checkpoints = self._parts.desk.checkpoints()
        other = place_with(evidence.tag, self._known(), checkpoints)
        if evidence.presence is not Presence.OTHER_TAG or other is None:
            return presence_text(t, evidence)
        name = checkpoints[other].name.in_language(t.language)
        return t("{number} belongs to another place: {place}.").format(
            number=evidence.tag, place=name
        )

    def _known(self) -> dict[str, str]:
        if self._numbers is None:
            self._numbers = map_numbers(self._parts.network())
        return self._numbers


def on_map_text(t: Words, number: str, *others: str) -> str:
    """Return the line under the name of a stop: its number on the map, and what else is known."""
    on_map = t("on the map {number}").format(number=number) if number else ""
    return "  ·  ".join(each for each in (on_map, *others) if each)
