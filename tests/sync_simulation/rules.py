"""Every rule of the sync, with the switch that turns it off and the seed that catches that."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from tests.sync_simulation import rules_of_server as server
from tests.sync_simulation import rules_of_tablet as tablet
from tests.sync_simulation.one_seed import SHORT, STEPS

Switch = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule: switched off, a history from this seed breaks the invariant (RULINGS R29)."""

    off: Switch
    breaks: str
    seed: int
    steps: int
    is_contested: bool = False


def _rule(off: Switch, breaks: str, seed: int = 0) -> Rule:
    return Rule(off=off, breaks=breaks, seed=seed, steps=STEPS)


def _soon(off: Switch, breaks: str, seed: int = 0) -> Rule:
    """Return a rule that every second or third short history catches."""
    return Rule(off=off, breaks=breaks, seed=seed, steps=SHORT)


def _contested(off: Switch, breaks: str, seed: int = 0) -> Rule:
    """Return a rule that every third history of contested days catches."""
    return Rule(off=off, breaks=breaks, seed=seed, steps=SHORT, is_contested=True)


RULES: Sequence[Rule] = (
    _soon(server.sequence_before_the_commit, "I5", 2),
    _soon(server.clock_as_the_cursor, "I5"),
    _soon(server.no_ledger, "I1", 2),
    _soon(server.no_tombstones, "I4"),
    _rule(server.counter_as_the_identity, "I1", 1),
    _soon(server.last_write_wins, "I8", 1),
    _soon(server.no_state_guard, "I7"),
    _soon(server.refusal_without_an_answer, "I13", 1),
    _soon(server.actor_at_push, "I10"),
    _rule(server.no_horizon, "I12", 12),
    _rule(server.no_floor, "I13", 10),
    _soon(server.facts_refused_for_their_order, "I6"),
    _rule(server.entries_keep_their_place, "I3"),
    _rule(server.ledger_pruned, "I2", 23),
    _rule(server.times_as_the_tablet_says, "I14", 1),
    _soon(server.nobody_is_told, "I8"),
    _soon(server.what_is_refused_is_dropped, "I8"),
    _soon(server.sums_by_heart, "I12"),
    _rule(server.same_epoch_after_a_restore, "I1", 6),
    _soon(server.newest_version_for_everybody, "I15"),
    _soon(server.page_cut_anywhere, "I5"),
    _rule(server.photo_taken_unread, "I11", 12),
    _rule(server.page_moves_over_orders_alone, "I13", 28),
    _soon(server.every_page_is_the_last, "I12"),
    _rule(server.customers_stay_on_the_tablet, "I4", 3),
    _soon(server.nothing_sealed_is_taken, "I1", 9),
    _soon(server.sealed_as_it_comes, "I16", 9),
    _rule(server.nobody_is_poked, "I13", 8),
    _soon(server.an_earlier_word_overwrites, "I17", 24),
    _soon(server.a_restore_is_not_noted, "I18", 3),
    _soon(server.an_order_is_whose_the_backup_says, "I18", 3),
    _rule(server.a_colleagues_steps_are_waited_for, "I18", 2),
    _contested(server.what_a_former_server_said_is_forgotten, "I18"),
    _contested(tablet.unheard_work_counts_from_the_restore, "I18", 9),
    _soon(server.nobody_is_asked_about_lost_orders, "I19"),
    _rule(server.an_order_made_again_counts_of_now, "I18", 14),
    _rule(server.remarks_of_a_copy_come_again, "I2", 13),
    _rule(tablet.any_page_is_an_answer, "I1", 4),
    _rule(tablet.customers_in_words, "I4", 3),
    _soon(tablet.withdrawn_means_wiped, "I1", 4),
    _rule(tablet.sealed_after_the_rest, "I16", 33),
    _rule(tablet.photo_let_go_too_early, "I11", 1),
    _rule(tablet.token_without_its_rows, "I3", 2),
    _soon(tablet.acknowledgement_moves_the_token, "I5", 1),
    _soon(tablet.outbox_goes_with_the_row, "I1", 2),
    _soon(tablet.unknown_fields_dropped, "I3", 9),
    _soon(tablet.overlay_ends_with_the_acknowledgement, "I9", 1),
    _soon(tablet.own_words_not_laid_over, "I9"),
    _rule(tablet.gone_rows_stay, "I4", 2),
    _soon(tablet.sums_not_kept, "I12"),
    _rule(tablet.nothing_sent_again, "I1", 6),
    _soon(tablet.sending_is_forgotten, "I13"),
    _rule(tablet.poison_stands_in_front, "I13", 1),
    _soon(tablet.orders_go_with_the_restored_server, "I19"),
)
