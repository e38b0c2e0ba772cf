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

The line through the rooms and modules:

    meters            what detection is told of meters and readings; what a detector hands on
    quality           readings become honest advances of hours; what was wrong is named
    hours             the hours that detectors judge, and the days before them
    detectors         one module per rule
    hourly            every detector over closed hours
    fleet_state       all that is remembered of a fleet
    doubts            what speaks against a candidate, and how good its readings are
    advance           one call: take in readings, close hours, say what is wrong
    alerting          candidates become alerts; crews' findings move thresholds
    telling           a candidate in words, its cost, its evidence
    watch             the fleet core over the database
"""
