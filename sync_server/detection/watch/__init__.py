"""The fleet core over the database: what arrived in, changes of alerts out.

The line through the modules:

    fleet_store       the database's meters
    surroundings_store      weather, and what the service side knows
    surroundings_window      both, as of a look
    weather_io        outdoor temperature from a plain HTTP source
    arrival_feed_store      what arrived
    history_store     what is stored of the past
    history_parts     pure: how a fleet is cut for workers that do not know each other
    history_run_store      the stored past lived through the detectors, here or by workers
    reading_batches   pure: rows of the database become readings of the fleet
    learned_store     what findings taught
    price_store       what a unit is worth
    chart_store       stored readings as a chart
    shared_silence_store      which silent meters share a gateway
    alert_changes_store      changes of the book become alerts
    checkpoint_store  what the watch remembers, as rows
    fleet_memory      the same, packed and put back
    round_store       when the last look ended well, and when that is too long ago
    fleet_watch       one look at the whole fleet: take in, advance, decide, write
    relearn_io        the whole memory anew, by workers, before a server starts
"""
