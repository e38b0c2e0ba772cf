"""AirPage: oxygen and % LEL before anybody goes in, at an order or at a stop of a round."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Generic, TypeVar

from field_app.forms.numbers import parse_lel_pct, shown_number, worst_lel_pct
from field_app.orders.entry_gate import (
    CARBON_MONOXIDE_PPM,
    GOOD_FOR_MIN,
    HYDROGEN_SULPHIDE_PPM,
    LEL_ENTRY_PCT,
    NEEDED_VALUES,
    OXYGEN_HIGH_PCT,
    OXYGEN_LOW_PCT,
    AirTyped,
    Detector,
    GateReason,
    GateVerdict,
    is_too_old,
    judge_entry,
    parse_air,
)
from field_app.orders.moments import TimerMoment, moment_of
from field_app.orders.site_sheet import SiteSheet, WellSheet
from field_app.presenters.dates import time_text
from field_app.presenters.ports import PresenterContext, Words
from field_app.presenters.sheet import Answers, Tapped
from field_app.presenters.sheet_views import (
    Block,
    ChoiceBlock,
    ChoiceLine,
    NoteBlock,
    NoticeBlock,
    NumberBlock,
    RowLine,
    RowsBlock,
    SheetButton,
    SheetView,
    VerdictBlock,
)
from field_app.presenters.site_words import calibration_text, gas_order_text, gate_text
from field_app.presenters.typed_detector import (
    OTHER,
    detector_choice,
    detector_of,
    typed_detector_id,
)
from field_app.presenters.views import Tone
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.site_facts import GasMeasurement, GasPurpose
from wire_contracts.van import AirValue

_BLOCKS = frozenset({GateReason.CALIBRATION_DUE, GateReason.WRONG_DETECTOR})
"""What another measurement does not help."""

_OLD = (GateReason.TOO_OLD,)

_TYPED_AT = ".at"
_NEVER = TimerMoment(0)
"""Beside a value's own name in the draft: when it was typed, ms of the tablet's clock."""


S = TypeVar("S", bound=SiteSheet | WellSheet)


class AirPage(ABC, Generic[S]):
    """Oxygen and % LEL before anybody goes in, at an order or at a stop of a round."""

    def __init__(self, context: PresenterContext) -> None:
        """Guard with the words and the clock of `context`."""
        self._context = context
        self._kept: dict[str, tuple[str, TimerMoment]] = {}

    @property
    def t(self) -> Words:
        """Return the reader's words."""
        return self._context.words

    @abstractmethod
    def read(self) -> S | None:
        """Return what is known of the air, None when the place has gone."""

    @abstractmethod
    def _save(self, answers: Mapping[str, str]) -> int | None:
        """Keep answers; return when."""

    @abstractmethod
    def _subtitle(self, data: S) -> str:
        """Return where this is."""

    def _asked(self, data: S, answers: Answers) -> list[Block]:
        """Return the question whether anybody went in, where this page asks it."""
        del data, answers
        return []

    @abstractmethod
    def _measured(self, detector: Detector | None, gas: GasMeasurement) -> None:
        """Keep a measurement; `detector` is one that was not in use before."""

    def saved_at_ms(self, data: S) -> int | None:
        """Return when the last answer was kept."""
        return data.saved_at_ms

    def typed_before(self, data: S) -> Mapping[str, str]:
        """Return what was typed, and take note of when."""
        typed = data.values_of("gate")
        for key in AirValue:
            at = moment_of(typed.get(f"{key}{_TYPED_AT}", "")) or _NEVER
            if at.wall_ms >= self._kept.get(key, ("", _NEVER))[1].wall_ms:
                self._kept[key] = typed.get(key, ""), at
        return typed

    def keep(self, answers: Mapping[str, str]) -> int | None:
        """Keep answers; of a value also when it was typed."""
        now = self._moment()
        values = {key: answers[key] for key in AirValue if key in answers}
        self._kept |= {key: (text, now) for key, text in values.items()}
        return self._save({**answers, **{f"{key}{_TYPED_AT}": now.text for key in values}})

    def _old_values(self, answers: Answers) -> frozenset[str]:
        """Return the values that were typed too long ago; one that is being typed now is not."""
        now = self._moment()
        return frozenset(
            key
            for key, (text, at) in self._kept.items()
            if text.strip() and text == answers.get(key) and is_too_old(at, now)
        )

    @abstractmethod
    def _moment(self) -> TimerMoment:
        """Return the time by every clock of the tablet."""

    def view(self, data: S, answers: Answers) -> SheetView:
        """Return the sheet."""
        data = self._in_hand(data)
        t = self.t
        air = self._air(answers)
        detector = detector_of(data, answers)
        verdict = judge_entry(detector, air, self._today(data), place=answers.get("place"))
        blocks: list[Block] = [*self._ordered(data)]
        asked = self._asked(data, answers)
        if data.record.gas:  # somebody may be in there: before the next test
            blocks += asked
        blocks.append(self._verdict(verdict))
        blocks += self._numbers(air, verdict, detector, self._old_values(answers))
        blocks += self._detector_blocks(data, detector, answers)
        blocks.append(self._history(data))
        blocks += [] if data.record.gas else asked
        return SheetView(
            title=t("Gas test before entry"),
            subtitle=self._subtitle(data),
            blocks=tuple(blocks),
            primary=self._deny("danger")
            if verdict.is_dangerous
            else SheetButton(
                key="allow",
                text=t("Keep: entry allowed"),
                icon="check-bold",
                refusal="" if verdict.is_allowed else gate_text(t, verdict.reasons[0]),
            ),
            secondary=self._deny("ghost")
            if air != AirTyped() and not air.is_old and not verdict.is_dangerous
            else None,
            saved_text=answers.saved_text,
            message=answers.message,
        )

    def _in_hand(self, data: S) -> S:
        """Return the data without a detector that has run out: it is chosen by hand or not."""
        until = data.detector.calibrated_until
        if until is None or until >= self._today(data):
            return data
        return replace(data, detector=Detector())

    def _deny(self, kind: str) -> SheetButton:
        text = self.t("Keep: nobody goes in")
        return SheetButton(key="deny", text=text, icon="hand-back-right", kind=kind)

    def _measured_at_ms(self, answers: Answers) -> int | None:
        """Return when the oldest value on the sheet was typed."""
        now = self._moment()
        typed = (
            now.wall_ms_of(at)
            for key, (text, at) in self._kept.items()
            if text.strip() and text == answers.get(key)
        )
        return min(typed, default=None)

    def tap(self, key: str, answers: Answers) -> Tapped:
        """Keep the measurement with what was decided; a shut gate cannot be kept as open.

        Danger is kept however old: it says when it was measured, and that nobody went in.
        """
        found = self.read()
        if found is None:
            return Tapped(is_done=True)
        sheet = self._in_hand(found)
        detector = detector_of(sheet, answers)
        air = self._air(answers)
        verdict = judge_entry(detector, air, self._today(sheet), place=answers.get("place"))
        is_allowed = key == "allow"
        is_open = is_allowed and not verdict.is_allowed
        if is_open or (air.is_old and not verdict.is_dangerous):
            return Tapped(message=gate_text(self.t, verdict.reasons[0]))
        until = detector.calibrated_until
        self._measured(
            None if detector == sheet.detector else detector,
            GasMeasurement(
                purpose=GasPurpose.ENTRY,
                place=answers.get("place"),
                detector_id=detector.detector_id,
                calibration_due_ms=None if until is None else self._midnight_ms(until),
                oxygen_pct=parse_air(answers.get("oxygen_pct")),
                lel_pct=_kept_pct(worst_lel_pct(answers.get("lel_pct"))),
                carbon_monoxide_ppm=parse_air(answers.get("carbon_monoxide_ppm")),
                hydrogen_sulphide_ppm=parse_air(answers.get("hydrogen_sulphide_ppm")),
                is_entry_allowed=is_allowed,
                measured_at_ms=self._measured_at_ms(answers),
            ),
        )
        if is_allowed:
            return Tapped(is_done=True)
        return Tapped(message=self.t("Kept: nobody goes in."))

    def _air(self, answers: Answers) -> AirTyped:
        return AirTyped(
            oxygen_pct=answers.get("oxygen_pct"),
            lel_pct=answers.get("lel_pct"),
            carbon_monoxide_ppm=answers.get("carbon_monoxide_ppm"),
            hydrogen_sulphide_ppm=answers.get("hydrogen_sulphide_ppm"),
            is_old=bool(self._old_values(answers)),
        )

    def _today(self, data: S) -> date:
        """Return the day by which a calibration ends, never before the last contact's."""
        return utc_from_ms(data.passed_ms).astimezone(self._context.zone).date()

    def _midnight_ms(self, day: date) -> int:
        now = self._context.clock.now_utc().astimezone(self._context.zone)
        moment = now.replace(
            year=day.year, month=day.month, day=day.day, hour=0, minute=0, second=0, microsecond=0
        )
        return ms_from_utc(moment)

    def _ordered(self, data: S) -> list[Block]:
        """Return that gas made an order of its own, and whether anybody knows."""
        text = gas_order_text(self.t, data.record.gas_order)
        notice = NoticeBlock(key="gas-order", text=text, tone=Tone.DANGER, icon="alarm-light")
        return [notice] if text else []

    def _verdict(self, verdict: GateVerdict) -> VerdictBlock:
        t = self.t
        if verdict.is_allowed:
            return VerdictBlock(
                key="verdict",
                title=t("Entry allowed"),
                text=t("Good for {minutes} minutes. One person stays outside.").format(
                    minutes=GOOD_FOR_MIN
                ),
                tone=Tone.OK,
                icon="shield-check",
            )
        if verdict.is_dangerous:
            return VerdictBlock(
                key="verdict",
                title=t("Do not go in"),
                text=gate_text(t, verdict.reasons[0]),
                tone=Tone.DANGER,
                icon="alert-octagon",
            )
        blocks = [each for each in verdict.reasons if each in _BLOCKS]
        is_blocked = bool(blocks)
        return VerdictBlock(
            key="verdict",
            title=t("Blocked") if is_blocked else t("Measure first"),
            text=gate_text(t, (blocks or verdict.reasons)[0]),
            tone=Tone.DANGER if is_blocked else Tone.WARN,
            icon="lock" if is_blocked else "air-filter",
        )

    def _numbers(
        self, air: AirTyped, verdict: GateVerdict, detector: Detector, old: frozenset[str]
    ) -> list[Block]:
        """Return the values; one that the detector does not show is not asked for."""
        t = self.t
        rows = (
            (
                "oxygen_pct",
                t("Oxygen"),
                "%",
                air.oxygen_pct,
                f"{OXYGEN_LOW_PCT:g}–{OXYGEN_HIGH_PCT:g} %",
                (GateReason.OXYGEN_LOW, GateReason.OXYGEN_HIGH),
            ),
            (
                "lel_pct",
                t("Gas in the air"),
                "% LEL",
                air.lel_pct,
                t("At most {limit}").format(limit=f"{LEL_ENTRY_PCT:g} % LEL"),
                (GateReason.LEL_HIGH,),
            ),
            (
                "carbon_monoxide_ppm",
                t("Carbon monoxide"),
                "ppm",
                air.carbon_monoxide_ppm,
                t("At most {limit}").format(limit=f"{CARBON_MONOXIDE_PPM:g} ppm"),
                (GateReason.CARBON_MONOXIDE,),
            ),
            (
                "hydrogen_sulphide_ppm",
                t("Hydrogen sulphide"),
                "ppm",
                air.hydrogen_sulphide_ppm,
                t("At most {limit}").format(limit=f"{HYDROGEN_SULPHIDE_PPM:g} ppm"),
                (GateReason.HYDROGEN_SULPHIDE,),
            ),
        )
        return [
            NumberBlock(
                key=key,
                label=label,
                unit=unit,
                text=text,
                hint=hint,
                error=self._error(text, (_OLD if key in old else ()) + reasons, verdict),
            )
            for key, label, unit, text, hint, reasons in rows
            if text.strip() or _is_shown(detector, AirValue(key))
        ]

    def _error(self, text: str, reasons: tuple[GateReason, ...], verdict: GateVerdict) -> str:
        found = [each for each in reasons if each in verdict.reasons]
        if found:
            return gate_text(self.t, found[0])
        is_number = parse_air(text) is not None or parse_lel_pct(text) is not None
        return "" if is_number or not text.strip() else self.t("Not a number")

    def _detector_blocks(self, data: S, detector: Detector, answers: Answers) -> list[Block]:
        t = self.t
        place = NoteBlock(
            key="place",
            label=t("Well or pit"),
            text=answers.get("place"),
            hint=t("Number on the cover"),
        )
        listed = self._listed(data, detector, answers)
        if listed is not None and detector_choice(data, answers) != OTHER:
            return [listed, place]
        until = answers.get("calibrated_until")
        if not until and detector.calibrated_until is not None:
            until = detector.calibrated_until.isoformat()
        return [
            *([] if listed is None else [listed]),
            NoteBlock(
                key="detector_id",
                label=t("Detector"),
                text=answers.get("detector_id") or typed_detector_id(data),
                hint=t("Number on the detector"),
            ),
            NoteBlock(
                key="calibrated_until",
                label=t("Calibrated until"),
                text=until,
                hint=t("Year-month-day, as on the sticker"),
            ),
            place,
        ]

    def _listed(self, data: S, detector: Detector, answers: Answers) -> ChoiceBlock | None:
        """Return the detectors of the office, None where it lists none."""
        t, today = self.t, self._today(data)
        if not data.van.detectors:
            return None
        is_other = detector_choice(data, answers) == OTHER
        lines = [
            ChoiceLine(
                value=each.detector_id,
                text=f"{each.detector_id}  {each.model}".strip(),
                note=calibration_text(t, each.calibrated_until, today)[0],
                icon="lock" if each.calibrated_until < today else "air-filter",
                tone=calibration_text(t, each.calibrated_until, today)[1],
                is_selected=not is_other and each.detector_id == detector.detector_id,
            )
            for each in data.van.detectors
        ]
        other = ChoiceLine(
            value=OTHER,
            text=t("Another detector"),
            note=t("Number and date from its sticker"),
            icon="pencil",
            is_selected=is_other,
        )
        return ChoiceBlock(key="detector", title=t("Which detector?"), lines=(*lines, other))

    def _values(self, at_ms: int, gas: GasMeasurement) -> str:
        """Return one measurement in a line; what the detector does not show is left out."""
        beside = (
            ("CO", gas.carbon_monoxide_ppm, "ppm"),
            ("H₂S", gas.hydrogen_sulphide_ppm, "ppm"),
        )
        shown = [f"{name} {_shown(value)} {unit}" for name, value, unit in beside if value]
        needed = (f"O₂ {_shown(gas.oxygen_pct)} %", f"{_shown(gas.lel_pct)} % LEL")
        now_utc, zone = self._context.clock.now_utc(), self._context.zone
        return "  ·  ".join((time_text(self.t, at_ms, now_utc, zone), *needed, *shown))

    def _history(self, data: S) -> RowsBlock:
        t = self.t
        lines = tuple(
            RowLine(
                key=f"gas-{at_ms}",
                title="  ·  ".join(
                    part
                    for part in (
                        t("Entry allowed") if gas.is_entry_allowed else t("Nobody went in"),
                        gas.place,
                    )
                    if part
                ),
                detail=self._values(gas.measured_at_ms or at_ms, gas),
                icon="check-circle" if gas.is_entry_allowed else "alert-octagon",
                tone=Tone.OK if gas.is_entry_allowed else Tone.DANGER,
            )
            for at_ms, gas in reversed(data.record.gas)
        )
        return RowsBlock(
            key="history",
            title=t("Measured here today"),
            lines=lines,
            empty_text=t("Nothing yet."),
        )


def _is_shown(detector: Detector, value: AirValue) -> bool:
    return detector.values is None or value in detector.values or value in NEEDED_VALUES


def _shown(value: float | None) -> str:
    return "–" if value is None else shown_number(value)


def _kept_pct(lel_pct: float | None) -> float | None:
    """Return gas as it is told: without the trace by which `> 10` is more than ten."""
    return None if lel_pct is None else round(lel_pct, 6)
