"""The nineteen invariants of the sync, each a function that names whatever breaks it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.sync_simulation import invariants_of_server as server
from tests.sync_simulation import invariants_of_tablets as tablets
from tests.sync_simulation import invariants_of_words as words
from tests.sync_simulation.ledgers import ServerAtRest, read_server
from tests.sync_simulation.world import World

Check = Callable[[World, ServerAtRest], list[str]]

INVARIANTS: Mapping[str, Check] = {
    "I1": server.every_operation_has_one_terminal_outcome,
    "I2": server.every_effect_happened_once,
    "I3": tablets.every_base_is_the_servers_scope_query,
    "I4": tablets.nothing_outside_the_scope_stays,
    "I5": tablets.no_token_went_back_or_passed_a_change,
    "I6": server.facts_never_change_vanish_or_depend_on_order,
    "I7": server.every_history_is_a_path_of_the_life_cycle,
    "I8": server.no_word_is_lost,
    "I9": tablets.own_words_are_always_read,
    "I10": server.the_author_is_who_was_logged_in,
    "I11": tablets.every_photo_is_there_or_awaited,
    "I12": tablets.every_checksum_adds_up,
    "I13": tablets.every_outbox_drains,
    "I14": tablets.times_are_monotone_within_a_boot,
    "I15": tablets.older_versions_understand_every_answer,
    "I16": server.every_record_takes_a_tablets_taps_in_their_order,
    "I17": words.no_earlier_word_stands,
    "I18": words.whoever_had_the_order_has_done_it,
    "I19": server.every_order_that_was_shown_is_there,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One thing that broke, with the invariant it broke."""

    invariant: str
    what: str


def violations(world: World) -> list[Violation]:
    """Return whatever broke an invariant, at rest or on the way."""
    found = read_server(world.server.engine, {each.name: each.seat for each in world.tablets})
    return [
        Violation(invariant=name, what=what)
        for name, check in INVARIANTS.items()
        for what in check(world, found)
    ]
