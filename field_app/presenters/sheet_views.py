"""Owns the view data of a sheet: one page of blocks, one big next step."""

from dataclasses import dataclass
from enum import StrEnum

from field_app.presenters.views import LabelledText, Tone


class StepStanding(StrEnum):
    """How a step of a row of steps stands."""

    DONE = "done"
    NOW = "now"
    LATER = "later"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextBlock:
    """Words; `is_title` writes them as the title of what follows."""

    key: str
    text: str
    tone: Tone = Tone.PLAIN
    is_title: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeBlock:
    """Something that must be seen before anything else."""

    key: str
    text: str
    tone: Tone
    icon: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictBlock:
    """The word that everything on the sheet leads to: go in, do not go in; large."""

    key: str
    title: str
    text: str
    tone: Tone
    icon: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepLine:
    """One step; `undo_text` is what the button beside a done one says, empty without one."""

    key: str
    number: str
    title: str
    detail: str
    standing: StepStanding
    undo_text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepsBlock:
    """Steps in the order in which they are to be done."""

    key: str
    lines: tuple[StepLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceLine:
    """One answer of a question."""

    value: str
    text: str
    note: str = ""
    icon: str = ""
    tone: Tone = Tone.INFO
    is_selected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceBlock:
    """A question with a few big answers; a tap on the chosen one takes it back.

    With `is_kept` it stays chosen: who taps again in gloves to be sure takes no danger back.
    """

    key: str
    title: str
    lines: tuple[ChoiceLine, ...]
    columns: int = 2
    is_kept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberBlock:
    """A value that was measured; it stays as it was typed, also when it is wrong."""

    key: str
    label: str
    unit: str
    text: str
    hint: str = ""
    error: str = ""
    steps: tuple[str, ...] = ()
    """Values that one tap fills in, such as what the last meter said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteBlock:
    """A free text; `is_long` gives it several lines."""

    key: str
    label: str
    text: str
    hint: str = ""
    is_long: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RowAction:
    """A button at the end of a row; `key` goes back to `tap`."""

    key: str
    text: str
    icon: str = ""
    kind: str = "tonal"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowLine:
    """One thing of a list: what, a second line, a number if it has one, what can be done.

    `is_loud` writes the second line in the tone, where it is what must be read.
    """

    key: str
    title: str
    detail: str = ""
    is_loud: bool = False
    icon: str = ""
    tone: Tone = Tone.PLAIN
    count: str = ""
    actions: tuple[RowAction, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsBlock:
    """A list of things."""

    key: str
    title: str
    lines: tuple[RowLine, ...]
    empty_text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FactsBlock:
    """What is known, label over value."""

    key: str
    title: str
    facts: tuple[LabelledText, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TilesBlock:
    """Numbers in tiles; the icon `trigger` makes one stand out."""

    key: str
    tiles: tuple[LabelledText, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerBlock:
    """A clock that runs: until `until_ms`, or since `since_ms`, by the tablet's wall clock."""

    key: str
    label: str
    text: str
    tone: Tone
    share: float


Block = (
    TextBlock
    | NoticeBlock
    | VerdictBlock
    | StepsBlock
    | ChoiceBlock
    | NumberBlock
    | NoteBlock
    | RowsBlock
    | FactsBlock
    | TilesBlock
    | TimerBlock
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetButton:
    """A button at the foot of a sheet.

    Attributes:
        refusal: Why it cannot be used now, empty when it can.
        needs_again: A second tap within four seconds confirms: what it does cannot be undone.
        is_urgent: It waits for nothing; of every other button two touches at once are one tap.
    """

    key: str
    text: str
    icon: str = ""
    kind: str = "primary"
    refusal: str = ""
    needs_again: bool = False
    is_urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetView:
    """One sheet.

    Attributes:
        blocks: From top to bottom; keys are unique.
        primary: The next step, bottom right; None when nothing is expected.
        secondary: What else can be done, at its left.
        saved_text: When the last answer was kept on this tablet.
        message: What became of the last tap when it could not be done.
        is_done: The sheet has done its work and closes.
    """

    title: str
    subtitle: str
    blocks: tuple[Block, ...] = ()
    primary: SheetButton | None = None
    secondary: SheetButton | None = None
    saved_text: str = ""
    message: str = ""
    is_done: bool = False
    is_busy: bool = False


BLANK_SHEET = SheetView(title="", subtitle="", is_busy=True)
"""What a sheet shows before anything was read."""
