"""Decides what of the answers at a stop stands now: values grow old, gas counts of everybody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from field_app.forms.numbers import worst_lel_pct
from field_app.orders.entry_gate import is_too_old
from field_app.orders.moments import TimerMoment, moment_kept
from field_app.patrols.values import Verdict, is_explosive, judge
from field_app.store.draft_store import KeptAnswer
from wire_contracts.patrol_facts import PointOutcome
from wire_contracts.patrols import Measure, ValueLimit

GAS: Final = str(Measure.GAS_LEL_PCT)

EARLIER_GAS: Final = f"earlier.{GAS}"
"""Where gas stands that somebody typed at a stop and typed over with less a while later."""

WORDS: Final = ("note", "reason", "inside_why")
"""Fields of a stop's page that hold words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedGas:
    """Gas as it was typed at a stop and not recorded, by a colleague or before less was typed."""

    text: str
    author: str
    at_ms: int

    @property
    def lel_pct(self) -> float | None:
        """Return how much gas that may mean."""
        return worst_lel_pct(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedWords:
    """What somebody chose or wrote at a stop and did not record; values are no words.

    `severity` is empty where no defect was chosen with one.
    """

    severity: str
    text: str
    author: str
    at_ms: int

    @property
    def is_grave(self) -> bool:
        """Return whether it is a defect that endangers people."""
        return self.severity == "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class StopAnswers:
    """The answers of a stop's page.

    Attributes:
        own: What the person at work has answered and what stands.
        grown_old: Values inside their limits that say nothing of now; they begin empty.
        old: Measures of `own` whose values are no good news any more, only bad.
        gas: What colleagues have typed for the gas, and what was typed over, the oldest first.
        words: What colleagues have chosen or written and nobody recorded.
    """

    own: Mapping[str, str] = field(default_factory=dict)
    grown_old: Mapping[str, str] = field(default_factory=dict)
    old: frozenset[str] = frozenset()
    gas: Sequence[TypedGas] = ()
    words: Sequence[TypedWords] = ()

    @property
    def is_grave(self) -> bool:
        """Return whether a colleague has typed a defect that endangers people."""
        return any(each.is_grave for each in self.words)

    @property
    def lel_pct(self) -> float | None:
        """Return the most gas that these texts may mean; None: of none."""
        return max((each.lel_pct for each in self.gas if each.lel_pct is not None), default=None)


def answers_of_stop(
    kept: Sequence[KeptAnswer], author: str, now: TimerMoment, limits: Sequence[ValueLimit]
) -> StopAnswers:
    """Return what stands of everybody's answers when `author` is at the stop now."""
    own = {each.field: each for each in kept if each.author == author}
    limit_of = {str(limit.measure): limit for limit in limits}
    old = {
        name
        for name, each in own.items()
        if name in limit_of and str(each.value).strip() and is_too_old(moment_kept(each.at), now)
    }
    good = {
        name
        for name in old
        if judge(limit_of[name], str(own[name].value)).verdict is Verdict.INSIDE
        and not (name == GAS and is_explosive(worst_lel_pct(str(own[name].value))))
    }
    return StopAnswers(
        own={
            name: str(each.value)
            for name, each in own.items()
            if name not in good and name != EARLIER_GAS
        },
        grown_old={name: str(own[name].value) for name in good},
        old=frozenset(old - good),
        gas=tuple(
            TypedGas(text=str(each.value).strip(), author=each.author, at_ms=each.saved_at_ms)
            for each in kept
            if _is_gas_beside(each, author) and str(each.value).strip()
        ),
        words=[each for each in words_at_stop(kept) if each.author != author],
    )


def is_grave_defect(answers: Mapping[str, str]) -> bool:
    """Return whether the answers of a stop's page say a defect of severity 1."""
    is_defect = answers.get("outcome") == PointOutcome.DEFECT
    return is_defect and answers.get("severity") == "1"


def words_at_stop(kept: Sequence[KeptAnswer]) -> list[TypedWords]:
    """Return what each author chose or wrote at a stop and did not record."""
    by_author: dict[str, dict[str, KeptAnswer]] = {}
    for each in kept:
        if each.field in {"outcome", "severity", *WORDS} and str(each.value or "").strip():
            by_author.setdefault(each.author, {})[each.field] = each
    found: list[TypedWords] = []
    for author, answers in sorted(by_author.items()):
        said = {name: str(each.value).strip() for name, each in answers.items()}
        is_defect = said.get("outcome") == PointOutcome.DEFECT
        words = TypedWords(
            severity=said.get("severity", "") if is_defect else "",
            text="; ".join(said[name] for name in WORDS if name in said),
            author=author,
            at_ms=max(each.saved_at_ms for each in answers.values()),
        )
        if words.severity or words.text:
            found.append(words)
    return found


def _is_gas_beside(each: KeptAnswer, author: str) -> bool:
    return each.field == EARLIER_GAS or (each.field == GAS and each.author != author)


def most_gas(kept: Sequence[KeptAnswer]) -> float | None:
    """Return the most gas that anybody has typed at a stop; None: of none."""
    found = (worst_lel_pct(str(each.value)) for each in kept if each.field in {GAS, EARLIER_GAS})
    return max((each for each in found if each is not None), default=None)
