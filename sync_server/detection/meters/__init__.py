"""What detection is told of meters and readings, and what a detector hands on; pure.

The line through the modules:

    columns           the arrays: floats, integers, flags
    fleet             the meters as arrays, before the first reading
    intake            the shape of readings, weather and known events
    candidates        what a fleet detector hands on, with all that explains it
    state_arrays      slicing, putting back and packing of arrays by row
"""
