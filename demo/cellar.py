"""Decides when the demo's crew has no network: from en route until its finding is recorded."""

from collections.abc import Iterable, Mapping

from wire_contracts.work_order_states import WorkOrderState


def is_in_the_cellar(states: Mapping[str, WorkOrderState], recorded_offline: Iterable[str]) -> bool:
    """Return whether the network is to be cut.

    Args:
        states: Order id to state, as the server knows it.
        recorded_offline: Orders whose finding the crew has recorded without a network.
    """
    recorded = set(recorded_offline)
    return any(
        state is WorkOrderState.EN_ROUTE and order_id not in recorded
        for order_id, state in states.items()
    )
