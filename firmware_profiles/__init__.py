"""Register maps of meters as data, and the pure decoder and encoder that run them.

The line through the modules:

    errors, table_reader       how a file is refused, and read
    vocabulary                 the words a profile may use
    words, byte_order, codings      from words to raw values and back
    clocks                     the meter's own clock
    cadence                    how often a group is read, or at which time of day
    conditions, parse_condition     what a value must be
    register, status_rule, probe, link, golden_vector, profile      the values that a file becomes
    parse_link, parse_register, parse_status, parse_validity, parse_identify, parse_golden,
    parse_profile              file -> profile
    spans                      what must be read together
    word_orders                the byte order that a manual does not state
    completeness               what a draft still lacks
    library_io                 the files that ship, and those of a site
    cross_check, order_hint    what values that do not fit each other say of units and word order
    measure, validity, effects, status, raw_slots, fast_values, fast_group, decode
                                                                words -> readings, quality, events
    counters, rates            what only two polls together can tell
    identify                   which profile a meter is, by its own answers
    variants                   which profiles those answers cannot tell apart
    redecode, redecode_telegrams, redecode_io      stored frames decoded again by another revision
    encode, golden             readings -> words, and the proof of a profile
    difference                 what two revisions say differently
    simulation, simulator_io   a profile as a meter on a socket
    skeleton, json_schema      what a person begins a profile with
    commands                   what each command does
    __main__                   firmware-profiles COMMAND
"""
