"""MeterPresenter: one reading by eye on a numeric pad, questioned at once when it is unusual."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from field_app.forms.numbers import parse_number, shown_number
from field_app.patrols.inspection_book import meter_draft
from field_app.patrols.inspection_store import (
    OwnReading,
    SeenMeter,
    before_own,
    correctable,
)
from field_app.patrols.meter_doubts import Doubt, Judgement, judge
from field_app.photos.album import Beside
from field_app.photos.photo_files_io import NoVaultError
from field_app.photos.pictures_io import PictureError
from field_app.presenters.dates import date_text, time_text
from field_app.presenters.round_parts import RoundParts
from field_app.presenters.round_wording import door_text, doubt_text
from field_app.presenters.stage import Stage
from field_app.presenters.views import LabelledText, Tone
from field_app.presenters.wording import no_room_text
from field_app.store.database_io import StoreFullError
from field_app.store.round_records import record_of
from wire_contracts.frames import ms_from_utc
from wire_contracts.meter_rounds import METER_ENTITY, RoundMeter, RoundReading

_SHOWN_READINGS: Final = 3
_ONE_SHIFT: Final = timedelta(hours=12)
_POINT: Final = "."


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterView:
    """One meter.

    Attributes:
        typed: The digits so far; `ghost` stands there before the first.
        question: Why the value is unusual, empty when it is not.
        question_tone: DANGER: it cannot be right. WARN: it may be, and must be said so.
        used_text: What went through since the last reading.
        needs_again: The value is doubted: it is kept with a second tap, on a button that says it.
        keep_kind: The kind of that button; what runs backwards is danger.
    """

    title: str
    subtitle: str
    unit: str
    typed: str
    ghost: str
    used_text: str
    question: str
    question_tone: Tone
    facts: tuple[LabelledText, ...]
    photo_text: str
    can_keep: bool
    keep_text: str
    needs_again: bool
    keep_kind: str
    message: str
    is_done: bool
    is_busy: bool


BLANK_METER_VIEW = MeterView(
    title="",
    subtitle="",
    unit="",
    typed="",
    ghost="",
    used_text="",
    question="",
    question_tone=Tone.WARN,
    facts=(),
    photo_text="",
    can_keep=False,
    keep_text="",
    needs_again=False,
    keep_kind="primary",
    message="",
    is_done=False,
    is_busy=True,
)
"""What is shown before the meter was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    seen: SeenMeter | None
    typed: str
    photo_count: int


class MeterPresenter:
    """One meter of a round; `next_key` is the meter after it once it is done, empty for none."""

    def __init__(self, parts: RoundParts, meter_id: str) -> None:
        """Read the meter `meter_id`."""
        self._parts = parts
        self._meter_id = meter_id
        self._seen: SeenMeter | None = None
        self._typed = ""
        self._photo_count = 0
        self._message = ""
        self._is_keeping = False
        self.next_key = ""
        self._stage = Stage(parts.context.worker, BLANK_METER_VIEW)

    @property
    def view(self) -> MeterView:
        """Return the last view."""
        return self._stage.view

    def attach(self, show: Callable[[MeterView], None]) -> None:
        """Show every view with `show`."""
        self._stage.attach(show)
        self.refresh()

    def detach(self) -> None:
        """Show nothing any more; what was typed is kept."""
        self.flush()
        self._stage.detach()

    def refresh(self) -> None:
        """Read the meter again; what is being typed stays."""
        self._stage.read(self._read, self._take)

    def press(self, key: str) -> None:
        """Take one key of the pad: a digit, the point, or `<` to rub out."""
        meter = None if self._seen is None else self._seen.meter
        if meter is None:
            return
        self._message = ""
        typed = self._typed[:-1] if key == "<" else self._typed + key
        whole, point, decimals = typed.partition(_POINT)
        too_long = len(decimals) > meter.decimals or len(whole) > meter.digits + 1
        if typed.count(_POINT) > 1 or too_long or (point and not meter.decimals):
            return
        self._typed = typed.lstrip("0") or "0" if whole.isdecimal() and len(whole) > 1 else typed
        self._save()
        self._draw()

    def flush(self) -> None:
        """Do nothing: every key is kept as it is pressed."""

    def photograph(self) -> None:
        """Take a photo of the register."""
        self._parts.hardware.camera.take_photo(self._photographed)

    def keep(self) -> None:
        """Keep the reading, once however often it is tapped; an unusual one as confirmed."""
        judgement = self._judgement()
        value = parse_number(self._typed)
        if self._is_keeping or judgement is None or value is None or judgement.is_impossible:
            return
        self._is_keeping = True
        reading = RoundReading(
            meter_id=self._meter_id,
            value=value,
            is_confirmed=judgement.doubt is not Doubt.NONE,
            doubt=str(judgement.doubt),
        )
        self._stage.act(lambda: self._keep(reading), self._kept, self._not_kept, self._go_on)

    def _save(self) -> None:
        draft, answers = meter_draft(self._meter_id), {"value": self._typed}
        desk = self._parts.desk
        self._stage.act(lambda: desk.save_answers(draft, answers), _nothing, self._say_no_room)

    def _not_kept(self) -> None:
        self._is_keeping = False
        self._say_no_room()

    def _go_on(self) -> None:
        self._is_keeping = False
        self._draw()

    def _say_no_room(self) -> None:
        """Say that nothing was kept; the digits stay on the pad."""
        self._message = no_room_text(self._parts.context.words)
        self._draw()

    def _keep(self, reading: RoundReading) -> str:
        self._parts.desk.keep_reading(reading)
        meters = self._parts.desk.meters()
        ids = [each.meter_id for each in meters]
        here = ids.index(self._meter_id) if self._meter_id in ids else -1  # it may have left
        for each in (*meters[here + 1 :], *meters[: max(here, 0)]):
            if each.read_at_utc is None:
                return each.meter_id
        return ""

    def _kept(self, next_key: str) -> None:
        self.next_key = next_key
        self._stage.draw(replace(self.view, is_done=True))

    def _photographed(self, content: bytes | None) -> None:
        if content is None:
            return
        beside = Beside(entity=METER_ENTITY, entity_id=self._meter_id)
        try:
            self._parts.photos.add(record_of(self._meter_id), content, beside=beside)
        except (NoVaultError, PictureError) as error:
            self._message = str(error)
        except StoreFullError:
            self._message = no_room_text(self._parts.context.words)

    def _digits_of_now(self) -> str:
        """Return the digits that were typed and not kept in this shift: a dial goes on."""
        author, kept = self._parts.desk.everyones(meter_draft(self._meter_id))
        since_ms = ms_from_utc(self._parts.context.clock.now_utc() - _ONE_SHIFT)
        own = (each for each in kept if each.author == author and each.field == "value")
        return next((str(each.value or "") for each in own if each.saved_at_ms >= since_ms), "")

    def _read(self) -> _Found:
        desk = self._parts.desk
        return _Found(
            seen=desk.meter(self._meter_id),
            typed=self._digits_of_now(),
            photo_count=self._parts.photos.count(record_of(self._meter_id)).total,
        )

    def _take(self, found: _Found) -> None:
        if self._seen is None:
            self._typed = found.typed
        self._seen, self._photo_count = found.seen, found.photo_count
        self._draw()

    def _judgement(self) -> Judgement | None:
        value = parse_number(self._typed)
        if self._seen is None or value is None:
            return None
        return judge(self._meter(self._seen), value, self._parts.context.clock.now_utc())

    def _meter(self, seen: SeenMeter) -> RoundMeter:
        """Return what is known of the meter, without the reading that is corrected now."""
        wrong = correctable(seen, self._parts.context.clock.now_utc())
        return seen.meter if wrong is None else before_own(seen.meter, wrong)

    def _draw(self) -> None:
        t, context = self._parts.context.words, self._parts.context
        seen, judgement = self._seen, self._judgement()
        if seen is None:
            gone = t("This meter is not on this tablet any more.")
            self._stage.draw(replace(self.view, message=gone, is_busy=False))
            return
        meter = self._meter(seen)
        wrong = correctable(seen, context.clock.now_utc())
        doubt = Doubt.NONE if judgement is None else judgement.doubt
        last = meter.readings[-1] if meter.readings else None
        self._stage.draw(
            MeterView(
                title=door_text(t, meter.building, meter.place),
                subtitle=t("No. {serial}").format(serial=meter.device_serial),
                unit=meter.unit,
                typed=self._typed,
                ghost=""
                if last is None
                else t("last {value}").format(value=shown_number(last.value)),
                used_text=self._used_text(judgement, meter.unit),
                question=doubt_text(t, doubt),
                question_tone=Tone.DANGER if judgement and judgement.is_impossible else Tone.WARN,
                facts=tuple(
                    LabelledText(
                        label=date_text(t, each.at_utc, context.zone),
                        text=f"{shown_number(each.value)} {meter.unit}",
                        icon="meter",
                    )
                    for each in reversed(meter.readings[-_SHOWN_READINGS:])
                ),
                photo_text=t("Photos: {count}").format(count=self._photo_count)
                if self._photo_count
                else t("Photo"),
                can_keep=judgement is not None and not judgement.is_impossible,
                keep_text=t("Keep, next")
                if doubt is Doubt.NONE
                else t("{value} is right").format(value=self._typed),
                needs_again=doubt is not Doubt.NONE,
                keep_kind="danger" if doubt is Doubt.BACKWARDS else "primary",
                message=self._message or self._wrong_text(wrong),
                is_done=False,
                is_busy=False,
            )
        )

    def _wrong_text(self, wrong: OwnReading | None) -> str:
        """Return that a value typed now corrects the one that was just read."""
        if wrong is None:
            return ""
        t, context = self._parts.context.words, self._parts.context
        time = time_text(t, ms_from_utc(wrong.at_utc), context.clock.now_utc(), context.zone)
        said = t("{value} was read here at {time}; what you keep now corrects it.")
        return said.format(value=shown_number(wrong.value), time=time)

    def _used_text(self, judgement: Judgement | None, unit: str) -> str:
        if judgement is None or judgement.used is None:
            return ""
        t = self._parts.context.words
        return t("used {amount} {unit}").format(
            amount=shown_number(round(judgement.used, 3)), unit=unit
        )


def _nothing(_answer: None) -> None:
    return
