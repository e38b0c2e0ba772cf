"""Patrols, home checks and meter rounds: what an inspector does, decided without a screen.

The line through the modules:

    directions          distance, bearing and the point of the compass between two places
    presence            whether a tag or a position shows that one is there
    values              what a typed value means and whether it lies inside its limits
    track               the way walked: thinned, packed, bounded
    run_state           the facts of a run -> what is done, skipped, missed, and what comes next
    noted               how many homes have a hazard that nobody finished
    home_check          the twelve items of a home, hazards and deadlines, what is still missing
    home_sheet          everybody's answers kept in a home -> what stands on this visit
    stop_sheet          everybody's answers kept at a stop -> what stands now
    form_answers        what a filled-in form of the office says of a checkpoint or a home
    meter_doubts        a reading by eye against the last ones
    inspection_store    rows and own facts -> what an inspector sees
    begun_stops         what was typed at the stops of a run and kept by nobody
    inspection_book     what a tablet knows about rounds, read and never changed
    left_places         dangers that were noted at places which have left the tablet
    round_changes       what a tap changes: facts, photos of an order, one group
    home_facts          what a visit of a home tells, once, with the order of a grave hazard
    inspection_desk     taps -> facts, each tap one transaction
"""
