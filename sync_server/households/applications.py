"""The catalogue of applications: documents and fees told at once, and the steps of each.

Rules D-09 (one-time notice), B-02 (documents checked), D-13 (signature and seal), E-10 and E-11.
Fees are rows of the price table of the utility; here stands only what each is for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sync_server.service_desk.request import RequestClass
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.texts import BilingualText

PAPERS: Mapping[str, BilingualText] = {
    "identity": BilingualText(en="Identity card, original seen", zh="身份证原件"),
    "property": BilingualText(en="Title or lease of the home", zh="房产证或租赁合同"),
    "form": BilingualText(en="Form filled in legibly", zh="申请表填写清楚"),
    "signature": BilingualText(
        en="Signatures, and seals of organisations, complete", zh="签字、公章齐全"
    ),
    "invoice": BilingualText(en="Invoice of the connection fee", zh="初装费发票"),
    "registration": BilingualText(en="Registration form of gas users", zh="燃气用户登记表"),
    "plan": BilingualText(en="Sketch of the new pipe", zh="改管示意图"),
    "old_card": BilingualText(en="The card of the meter", zh="原燃气卡"),
    "neighbours": BilingualText(en="Consent of the homes above and below", zh="上下户同意书"),
    "payment": BilingualText(en="Heating paid until today", zh="已缴清采暖费"),
}

FEES: Mapping[str, BilingualText] = {
    "connection": BilingualText(en="connection fee", zh="初装费"),
    "volume": BilingualText(en="first volume of gas", zh="首次购气款"),
    "works": BilingualText(en="material and work", zh="材料及工时费"),
    "none": BilingualText(en="none", zh="无"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure:
    """What an application needs.

    Attributes:
        papers: Codes of `PAPERS`, in the order of the window.
        fees: Codes of `FEES`.
        has_account: Whether contract, first volume and card follow (rule E-11).
    """

    papers: Sequence[str]
    fees: Sequence[str]
    has_account: bool = False


_C = RequestClass
PROCEDURES: Mapping[RequestClass, Procedure] = {
    _C.OPEN_ACCOUNT: Procedure(
        papers=("identity", "property", "invoice", "registration", "signature"),
        fees=("connection", "volume"),
        has_account=True,
    ),
    _C.PIPE_WORK: Procedure(papers=("identity", "form", "plan", "signature"), fees=("works",)),
    _C.EXCHANGE_METER: Procedure(papers=("identity", "form", "old_card"), fees=("works",)),
    _C.BUY_GAS: Procedure(papers=("old_card",), fees=("volume",)),
    _C.STOP_HEATING: Procedure(
        papers=("identity", "property", "form", "neighbours", "payment", "signature"),
        fees=("none",),
    ),
}
"""Every class of applications; a test holds it against the catalogue of requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the clerk decides about an application."""

    is_accepted: bool
    reason: str = ""
    alternative: str = ""


def check_decision(procedure: Procedure, shown: frozenset[str], decision: Decision) -> None:
    """Raise ContractError when it cannot be decided so.

    Accepted needs every paper (rules B-02, B-03), refused a reason and an alternative (B-04).
    """
    missing = [each for each in procedure.papers if each not in shown]
    if decision.is_accepted and missing:
        names = ", ".join(PAPERS[each].en for each in missing)
        raise _refused("papers", f"lack: {names}", "ask for them, or refuse with a way out")
    if not decision.is_accepted and not decision.reason.strip():
        raise _refused("reason", "is empty", "write why it is refused")
    if not decision.is_accepted and not decision.alternative.strip():
        raise _refused("alternative", "is empty", "write what the customer can do instead")


def _refused(field: str, problem: str, remedy: str) -> ContractError:
    return ContractError(
        place="application", field=field, problem=problem, remedy=remedy, code=Code.STATE
    )
