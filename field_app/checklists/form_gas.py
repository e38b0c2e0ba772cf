"""Decides which questions of a form ask for gas in % LEL."""

from collections.abc import Iterator, Sequence

from wire_contracts.forms.model import FormModel, FormNode
from wire_contracts.quantities import Quantity


def gas_places(model: FormModel) -> frozenset[str]:
    """Return the places, below the root and without numbers of repeats, that measure gas.

    The office says so by `bind::quantity`, or by the unit it shows behind the number.
    """
    return frozenset(
        each.path.strip("/").partition("/")[2] for each in _walk(model.nodes) if _asks_gas(each)
    )


def _asks_gas(node: FormNode) -> bool:
    return node.quantity == Quantity.GAS_LEL_PCT or "lel" in node.unit.casefold()


def _walk(nodes: Sequence[FormNode]) -> Iterator[FormNode]:
    for node in nodes:
        yield node
        yield from _walk(node.children)
