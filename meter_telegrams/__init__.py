"""Telegrams of meters that describe themselves, as pure parsers: M-Bus, wireless M-Bus, CJ/T 188.

The line through the rooms and modules:
    errors, crc_en13757    how bytes are refused; the checksum of the air
    records                the records of EN 13757-3, their values and units
    mbus                   a frame of the wire -> telegram or refusal
    wmbus                  a frame of the air -> telegram or refusal
    cjt188                 CJ/T 188: frames, exchanges, readings
    makers_status          what makers' own status words say about the values beside them
    telegram_meaning       telegram -> values, qualities, events, the meter's clock
    telegram_json          telegrams and readings as JSON
    __main__               telegrams on the command line
"""
