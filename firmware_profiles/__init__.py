"""Register maps of meters as data, and the pure decoder and encoder that run them.

The line through the modules:

    errors, table_reader       how a file is refused, and read
    vocabulary                 the words a profile may use
    words, byte_order, codings      from words to raw values and back
    profile                    the values that a file becomes
    parse_register, parse_golden, parse_profile      file -> profile
    spans                      what must be read together
    completeness               what a draft still lacks
    library_io                 the files that ship, and those of a site
    measure, effects, status, decode      words -> readings, quality, events
    rates                      what no meter can jump
    encode, golden             readings -> words, and the proof of a profile
    simulator_io               a profile as a meter on a socket
    __main__                   firmware-profiles list, show, check, test, decode
"""
