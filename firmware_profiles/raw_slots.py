"""Decides which words of a poll become which raw values, many registers at once."""

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import TypeVar

from firmware_profiles.byte_order import ByteOrder
from firmware_profiles.codings import Coding, Raw, WireType, decode_words
from firmware_profiles.register import Register
from firmware_profiles.words import BlockImage, Span, WordAddress, WordImage

_LETTERS: Mapping[WireType, str] = {
    WireType.BIT: "H",
    WireType.U16: "H",
    WireType.I16: "h",
    WireType.U32: "I",
    WireType.I32: "i",
    WireType.U64: "Q",
    WireType.I64: "q",
    WireType.F32: "f",
    WireType.F64: "d",
    WireType.BITFIELD16: "H",
    WireType.BITFIELD32: "I",
}
_SWAPPED = frozenset({ByteOrder.DCBA, ByteOrder.BADC})
_REVERSED = frozenset({ByteOrder.CDAB, ByteOrder.DCBA})
MOST_REMEMBERED = 256
"""Settings and status words seen so far: a meter has a handful, a broken one fills no memory."""

Slot = int | float | Raw | None
Slots = Sequence[Slot]
Picker = Callable[[WordImage], Sequence[int]]
PlacePicker = Callable[[Sequence[int]], Sequence[int]]
KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")
ItemT = TypeVar("ItemT")


class SlotPlan:
    """Which words become which raw values, each register once."""

    def __init__(self) -> None:
        """Begin with no register."""
        self._places: dict[str, int] = {}
        self._registers: list[Register] = []
        self._wanted: list[Sequence[WordAddress]] = []
        self._blocks: list[tuple[struct.Struct, struct.Struct]] = []
        self._singles: list[Coding] = []
        self._ordered: Callable[[Sequence[Slot]], Sequence[Slot]] | None = None
        self._pickers: list[Picker] = []
        self._block_pickers: dict[Span, list[PlacePicker]] = {}

    def add(self, register: Register) -> int:
        """Return the place of a register's raw value."""
        if register.name not in self._places:
            self._places[register.name] = len(self._registers)
            self._registers.append(register)
        return self._places[register.name]

    def close(self) -> None:
        """Prepare the reading; nothing is added any more."""
        places: list[int] = []
        for is_swapped in (False, True):
            members = [
                item
                for item in self._registers
                if is_packed(item) and (item.coding.order in _SWAPPED) == is_swapped
            ]
            if members:
                self._blocks.append(self._block(members, "<" if is_swapped else ">"))
                places += [self._places[item.name] for item in members]
        for item in self._registers:
            if not is_packed(item):
                self._wanted.append(tuple(item.span.addresses()))
                self._singles.append(item.coding)
                places.append(self._places[item.name])
        self._ordered = orderer(places)
        self._pickers = [_picker(addresses) for addresses in self._wanted]

    def _block(
        self, members: Sequence[Register], byte_order: str
    ) -> tuple[struct.Struct, struct.Struct]:
        """Return how to turn the words of many registers into numbers at once."""
        addresses: list[WordAddress] = []
        for item in members:
            own = list(item.span.addresses())
            addresses += reversed(own) if item.coding.order in _REVERSED else own
        letters = "".join(_LETTERS[item.coding.kind] for item in members)
        self._wanted.append(addresses)
        return (
            struct.Struct(f"{byte_order}{len(addresses)}H"),
            struct.Struct(f">{letters}"),
        )

    def fill(self, image: WordImage) -> Slots | None:
        """Return the raw value of every register; None when a word is missing or is no word."""
        slots: list[Slot] = []
        try:
            picked = self._picked(image)
            for words, (packer, unpacker) in zip(picked, self._blocks, strict=False):
                slots += unpacker.unpack(packer.pack(*words))
            for words, coding in zip(picked[len(self._blocks) :], self._singles, strict=True):
                slots.append(decode_words(coding, words))
        except (KeyError, struct.error):
            return None
        return slots if self._ordered is None else self._ordered(slots)

    def _picked(self, image: WordImage) -> list[Sequence[int]]:
        """Return the words of every block, then of every single; raise KeyError for a missing one.

        In a block that was read as a whole they are known by their place: no address is looked up.
        """
        if not isinstance(image, BlockImage):
            return [pick(image) for pick in self._pickers]
        pickers = self._block_pickers.get(image.block)
        if pickers is None:
            pickers = [_place_picker(image.block, addresses) for addresses in self._wanted]
            remember(self._block_pickers, image.block, pickers)
        words = image.words
        return [pick(words) for pick in pickers]


def is_packed(register: Register) -> bool:
    """Return whether one letter of `struct` turns its words into its raw value."""
    return register.coding.kind in _LETTERS and not register.is_array


def _picker(addresses: Iterable[WordAddress]) -> Picker:
    wanted = list(addresses)
    if len(wanted) == 1:
        only = wanted[0]
        return lambda image: (image[only],)
    return itemgetter(*wanted)


def _place_picker(block: Span, wanted: Sequence[WordAddress]) -> PlacePicker:
    """Return what takes these words out of a block; raise KeyError when it lacks one."""
    place_of = {at: place for place, at in enumerate(block.addresses())}
    places = [place_of[at] for at in wanted]
    if places == list(range(block.word_count)):
        return _all_words
    if len(places) == 1:
        only = places[0]
        return lambda words: (words[only],)
    return itemgetter(*places)


def _all_words(words: Sequence[int]) -> Sequence[int]:
    return words


def orderer(places: Sequence[int]) -> Callable[[Sequence[ItemT]], Sequence[ItemT]] | None:
    """Return what brings items to their places, of which `places` tells where each belongs."""
    wanted = sorted(range(len(places)), key=places.__getitem__)
    return None if wanted == list(range(len(places))) else itemgetter(*wanted)


def remember(memory: dict[KeyT, ValueT], key: KeyT, value: ValueT) -> None:
    """Keep one more; when there are too many, all others are forgotten."""
    if len(memory) >= MOST_REMEMBERED:
        memory.clear()
    memory[key] = value
