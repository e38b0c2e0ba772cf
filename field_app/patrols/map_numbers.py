"""Decides under which number a checkpoint stands on the map, beside the one on its lid."""

from collections.abc import Mapping, Sequence

from field_app.forms.names import bare_name, plain_name
from wire_contracts.network import NetworkPart
from wire_contracts.patrols import Checkpoint


def map_numbers(network: Sequence[NetworkPart]) -> dict[str, str]:
    """Return what the map calls each of its points, by the plain form of the point's id."""
    return {
        plain_name(point.point_id): point.name or point.point_id
        for part in network
        for point in part.points
    }


def number_on_map(numbers: Mapping[str, str], checkpoint_id: str) -> str:
    """Return what the map calls a checkpoint, empty where it does not show it."""
    return numbers.get(plain_name(checkpoint_id), "")


def is_known_as(
    typed: str, checkpoint_id: str, on_map: str, checkpoints: Mapping[str, Checkpoint]
) -> bool:
    """Return whether a number that was read is the map's for this checkpoint, and nobody's tag.

    A number that another lid carries says where that one is, whatever the map calls this one.
    """
    number = bare_name(typed)
    is_on_map = bool(number) and number == bare_name(on_map)
    return is_on_map and not any(
        number == bare_name(each.tag) for name, each in checkpoints.items() if name != checkpoint_id
    )


def place_with(
    typed: str, numbers: Mapping[str, str], checkpoints: Mapping[str, Checkpoint]
) -> str | None:
    """Return the one checkpoint that carries a number on its tag or on the map, None without one.

    A number that two carry names neither.
    """
    number = bare_name(typed)
    if not number:
        return None
    by_tag = [name for name, each in checkpoints.items() if bare_name(each.tag) == number]
    on_map = [name for name in checkpoints if bare_name(number_on_map(numbers, name)) == number]
    found = by_tag or on_map
    return found[0] if len(found) == 1 else None


def is_found_by(text: str, checkpoint: Checkpoint, on_map: str) -> bool:
    """Return whether a search means a checkpoint: its name, address, number on lid or map."""
    wanted = text.strip().casefold()
    told = (checkpoint.name.en, checkpoint.name.zh, checkpoint.address)
    numbers = (checkpoint.tag, on_map)
    bare = bare_name(text)
    return any(wanted in each.casefold() for each in told) or any(
        bare and bare in bare_name(each) for each in numbers
    )
