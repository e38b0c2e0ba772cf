"""Detection: what was read becomes findings; pure and columnar, the same live and over history.

The fleet core is one pure function over arrays of meters, used live, in replay and in tests:

    fleet = fleet_of(specs)
    state = empty_state(fleet)
    step = advance(fleet, state, batch, surroundings, now_s)      # any number of new readings
    book, changes = decide_alerts(book, step.candidates, now_s)

A change RAISED is one new row of the alert list; the other changes alter a row that is there.

`advance` owns the state that it is given (arrays are updated in place) and returns it in `step`.
Call it when the clock of arrivals passes each full hour and five minutes (more often does no harm)
with the readings that arrived since. `step.late` names rows with a reading older than what the row
has already settled: take the row's checkpoint from before it (`take_rows` of a state kept weekly,
as bytes through `pack_state`), call `advance` with `rows_of_fleet(fleet, rows)` and all readings
since, and write the result back with `put_rows`; what that replay says again joins the open alert.

The line through the modules:

    fleet             the meters as arrays, before the first reading
    intake            the shape of readings, weather and known events
    candidates        what a fleet detector hands on, with all that explains it
    state_arrays      slicing, putting back and packing of arrays by row
    stamps            true times of readings; a clock that is wrong
    registers         honest advances of a register; what its odd steps mean
    telemetry         instantaneous values of a heat meter against its registers
    slots             the hours that advances are put into
    register_rules    candidates of data quality: register, clock, line
    history           the last days of every meter, and which hours were abnormal
    outdoors          outdoor temperature of each meter's hours
    hourly            every detector over closed hours
    fleet_state       all that is remembered of a fleet
    advance           one call: take in readings, close hours, say what is wrong
    alert_book        pure: which candidates become alerts, join one, or say that it is over
    fleet_store, surroundings_store, surroundings_window      the database's meters, weather, notes
    weather_io        outdoor temperature from a plain HTTP source
    arrival_feed_store, history_store      what arrived; what is stored of the past
    reading_batches   pure: rows of the database become readings of the fleet
    thresholds, learned_store      what findings taught, and how it moves a candidate
    class_budget      pure: false alarms of a class move its threshold
    wording, effects, explain_candidate      pure: a candidate in words, its cost, its evidence
    price_store, chart_store      what a unit is worth; stored readings as a chart
    said              pure: what a replay says that nobody said before
    alert_changes_store      changes of the book become alerts
    checkpoint_store, fleet_memory      what the watch remembers, packed and put back
    fleet_watch       one look at the whole fleet: take in, advance, decide, write
    columns           many meters as arrays: the only thing a detector sees
    verdicts          what a detector says of each meter
    flows             pure: hourly rows become hourly flows
    detectors         one module per rule
    feedback          pure: what crews found moves a meter's threshold, inside bounds
    explain           pure: a verdict becomes evidence in words and a chart
    sample_store      the database's rows as columns
    decide            pure: which alerts to raise, to hold and to return
    runner            one look at all meters: load, judge, decide, write
"""
