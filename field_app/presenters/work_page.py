"""The sheet of the work itself: the steps in the order that safety demands, one after the other."""

from collections.abc import Sequence

from field_app.forms.numbers import shown_number
from field_app.orders.safety_steps import (
    FieldKind,
    StepField,
    StepPlan,
    Trouble,
    next_step,
    trouble_of,
    troubles_of,
)
from field_app.orders.site_desk import SiteSheet, StepRefusedError
from field_app.presenters.ports import PresenterContext
from field_app.presenters.sheet import Answers, Tapped
from field_app.presenters.sheet_views import (
    Block,
    ChoiceBlock,
    ChoiceLine,
    NoticeBlock,
    NumberBlock,
    SheetButton,
    SheetView,
    StepLine,
    StepsBlock,
    StepStanding,
    TextBlock,
    VerdictBlock,
)
from field_app.presenters.site_page import SitePage
from field_app.presenters.site_words import (
    OPTION_ICONS,
    field_text,
    option_text,
    step_advice,
    step_text,
    trouble_text,
)
from field_app.presenters.views import Tone
from field_app.tablet import Tablet
from wire_contracts.site_facts import SafetyStep


class WorkPage(SitePage):
    """Steps: each needs its value, none is taken out of turn."""

    def __init__(self, tablet: Tablet, context: PresenterContext, order_id: str) -> None:
        """Work on the order `order_id`."""
        super().__init__(tablet, context, order_id, "")

    def view(self, data: SiteSheet, answers: Answers) -> SheetView:
        """Return the sheet."""
        t = self.t
        plan = next_step(data.plans, data.record.done)
        blocks: list[Block] = [StepsBlock(key="steps", lines=self._lines(data, plan))]
        if plan is None:
            blocks.append(
                VerdictBlock(
                    key="all-done",
                    title=t("Every step is done"),
                    text=t("Now record what was found."),
                    tone=Tone.OK,
                    icon="shield-check",
                )
            )
        else:
            blocks += self._questions(data, plan, answers)
        return SheetView(
            title=t("Work, step by step"),
            subtitle=self._subtitle(data),
            blocks=tuple(blocks),
            primary=self._primary(data, plan, answers),
            secondary=SheetButton(
                key="finding", text=t("Record finding"), icon="clipboard-check", kind="ghost"
            )
            if plan is not None
            else None,
            saved_text=answers.saved_text,
            message=answers.message,
        )

    def tap(self, key: str, answers: Answers) -> Tapped:
        """Take a step, take one back, or go to the finding."""
        del answers
        if key == "finding":
            return Tapped(opens="finding")
        if key.startswith("undo:"):
            self._tablet.site.undo_step(self._order_id, SafetyStep(key.removeprefix("undo:")))
            return Tapped()
        try:
            self._tablet.site.do_step(self._order_id, SafetyStep(key))
        except StepRefusedError:
            return Tapped(message=self.t("This step cannot be taken now: look at its values."))
        return Tapped()

    def _lines(self, data: SiteSheet, plan: StepPlan | None) -> tuple[StepLine, ...]:
        medium = data.document.medium
        done = {each.step: each for each in data.record.steps}
        last = max(
            (number for number, one in enumerate(data.plans) if one.step in done), default=-1
        )
        lines: list[StepLine] = []
        for number, one in enumerate(data.plans):
            here = done.get(one.step)
            detail = ""
            if here is not None:
                detail = f"{self._name(here.by)}  ·  {self._time(here.at_ms)}"
            elif plan is not None and one.step is plan.step:
                detail = step_advice(self.t, one.step, medium)
            standing = StepStanding.DONE if here is not None else StepStanding.LATER
            if plan is not None and one.step is plan.step:
                standing = StepStanding.NOW
            lines.append(
                StepLine(
                    key=str(one.step),
                    number=str(number + 1),
                    title=step_text(self.t, one.step, medium),
                    detail=detail,
                    standing=standing,
                    undo_text=self.t("Undo") if number == last else "",
                )
            )
        return tuple(lines)

    def _questions(self, data: SiteSheet, plan: StepPlan, answers: Answers) -> list[Block]:
        values = self._values(plan, answers)
        blocks: list[Block] = []
        found = troubles_of(plan, values)
        if Trouble.NOT_SAFE in found.values():
            blocks.append(
                NoticeBlock(
                    key="not-safe",
                    text=self.t("Not safe. Ventilate, isolate better, measure again."),
                    tone=Tone.DANGER,
                    icon="alert-octagon",
                )
            )
        blocks.append(
            TextBlock(
                key=f"title-{plan.step}",
                text=step_text(self.t, plan.step, data.document.medium),
                is_title=True,
            )
        )
        blocks += [self._question(plan, field, values.get(field.key, "")) for field in plan.fields]
        return blocks

    def _question(self, plan: StepPlan, field: StepField, text: str) -> Block:
        t = self.t
        key = f"{plan.step}.{field.key}"
        if field.kind is FieldKind.CHOICE:
            lines = tuple(
                ChoiceLine(
                    value=option,
                    text=option_text(t, option),
                    icon=OPTION_ICONS.get(option, ""),
                    tone=Tone.DANGER if option in field.bad_options else Tone.INFO,
                    is_selected=option == text,
                )
                for option in field.options
            )
            return ChoiceBlock(key=key, title=field_text(t, field), lines=lines, columns=2)
        trouble = trouble_of(field, text)
        return NumberBlock(
            key=key,
            label=field_text(t, field),
            unit=t("min") if field.kind is FieldKind.MINUTES else field.unit,
            text=text,
            hint=self._hint(field),
            error="" if trouble is None else trouble_text(t, field, trouble),
            steps=("5", "10", "20") if field.kind is FieldKind.MINUTES else (),
        )

    def _hint(self, field: StepField) -> str:
        if field.highest_good is not None:
            limit = f"{shown_number(field.highest_good)} {field.unit}"
            return self.t("At most {limit}").format(limit=limit)
        if field.kind is FieldKind.MINUTES:
            return ""
        return self.t("Possible: {low} to {high}").format(
            low=shown_number(field.low), high=shown_number(field.high)
        )

    def _values(self, plan: StepPlan, answers: Answers) -> dict[str, str]:
        return {field.key: answers.get(f"{plan.step}.{field.key}") for field in plan.fields}

    def _primary(self, data: SiteSheet, plan: StepPlan | None, answers: Answers) -> SheetButton:
        t = self.t
        if plan is None:
            return SheetButton(key="finding", text=t("Record finding"), icon="clipboard-check")
        name = step_text(t, plan.step, data.document.medium)
        left = troubles_of(plan, self._values(plan, answers))
        return SheetButton(
            key=str(plan.step),
            text=t("Done: {step}").format(step=name),
            icon="check-bold",
            refusal=self._refusal(plan.fields, left),
        )

    def _refusal(self, fields: Sequence[StepField], left: dict[str, Trouble]) -> str:
        missing = [field_text(self.t, field) for field in fields if field.key in left]
        return self.t("Still needed: {what}").format(what=", ".join(missing)) if missing else ""
