"""Decides when gas that was found becomes an order of class A of its own, and what that says."""

from dataclasses import dataclass
from typing import Final

from field_app.forms.finding import GAS_FREE_LEL_PCT, FindingAnswers, has_gas, is_gas_present
from field_app.forms.numbers import shown_number, worst_lel_pct
from field_app.orders.entry_gate import LEL_ENTRY_PCT
from field_app.orders.safety_steps import steps_offered
from wire_contracts.kinds import FindingResult
from wire_contracts.orders import OrderType, SafetyClass, WorkOrderDocument
from wire_contracts.patrol_facts import OrderRequest
from wire_contracts.quantities import Medium, Quantity
from wire_contracts.texts import BilingualText

ELSEWHERE_LEL_PCT: Final = LEL_ENTRY_PCT
"""Gas in a place of water or heat: a crew for gas is called from where nobody may go in. Less is
what sewers give off (judgement)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GasOrder:
    """The order of class A that was asked for over this one.

    Attributes:
        order_id: UUIDv7 drawn on this tablet.
        is_told: The server has confirmed it.
        is_over: The visit over which it was asked for has ended.
        is_refused: The server did not take it: nobody comes.
    """

    order_id: str
    is_told: bool
    is_over: bool = False
    is_refused: bool = False

    @property
    def is_asked(self) -> bool:
        """Return whether this visit need not ask again."""
        return not self.is_over and not self.is_refused


def is_repaired_here(document: WorkOrderDocument) -> bool:
    """Return whether this order has the steps over which a leak of gas is repaired and closed."""
    is_gas = document.medium is Medium.GAS
    return is_gas and bool(steps_offered(document.order_type, document.medium))


def must_order_for_air(document: WorkOrderDocument, lel_pct: float | None) -> bool:
    """Return whether a measurement of the air (% LEL) makes an order of class A at once."""
    if lel_pct is None or is_repaired_here(document):
        return False
    limit = GAS_FREE_LEL_PCT if document.medium is Medium.GAS else ELSEWHERE_LEL_PCT
    return lel_pct > limit


def must_order_for_finding(
    document: WorkOrderDocument,
    answers: FindingAnswers,
    lel_pct: float | None,
    asked: GasOrder | None = None,
) -> bool:
    """Return whether what the form says is a leak of gas that this order cannot be closed over.

    `lel_pct` is what was measured on site beside the form. Whatever else the form lacks: danger
    waits for no cause and no note. On an order of water or heat, gas from which a crew is called
    asks for one where this visit has not called it.
    """
    if document.medium is not Medium.GAS:
        is_asked = asked is not None and asked.is_asked
        return not is_asked and must_order_for_air(document, lel_pct)
    if is_repaired_here(document):
        return False
    is_leak = answers.result is FindingResult.LEAK
    return is_leak or has_gas(answers) or is_gas_present(lel_pct)


def gas_found(answers: FindingAnswers, lel_pct: float | None) -> float | None:
    """Return the most that form and measurements say, % LEL; None where nothing was measured."""
    typed = worst_lel_pct(answers.measured.get(Quantity.GAS_LEL_PCT, ""))
    return max((each for each in (typed, lel_pct) if each is not None), default=None)


def gas_request(
    gas_order_id: str, order_id: str, document: WorkOrderDocument, lel_pct: float | None, note: str
) -> OrderRequest:
    """Return the order of class A: where, how much gas, over which order it was found."""
    title = document.title
    measured = "" if lel_pct is None else f"{shown_number(lel_pct)} % LEL"
    return OrderRequest(
        order_id=gas_order_id,
        order_type=OrderType.LEAK_CHECK,
        medium=Medium.GAS,
        safety_class=SafetyClass.A,
        title=BilingualText(
            en=f"Gas leak found on another order: {title.en}",
            zh=f"其他工单现场发现燃气泄漏：{title.zh}",
        ),
        address=document.address,
        note="  ·  ".join(each for each in (document.number, measured, note.strip()) if each),
        about=order_id,
    )
