"""Telegrams of meters that describe themselves, as pure parsers: M-Bus, wireless M-Bus, CJ/T 188.

The line through the modules:
    errors, crc_en13757                how bytes are refused; the checksum of the air
    mbus_frames, wmbus_frames          which bytes are a frame of the wire, of the air
    telegram_ciphers, wmbus_layers     encrypted bytes become clear; the layers of the air
    telegram_header, mbus_media        who speaks, in what state; names of makers and media
    record_measures, mbus_units        what a VIF can stand for; the tables that say so
    mbus_modifiers, mbus_information   what VIFEs change; the head of a record
    mbus_codings, mbus_times           numbers and texts, dates and times in the data
    telegram_records, mbus_values      a record and a telegram; the value of one record
    mbus_records, mbus_fixed           the records behind a header; the old fixed structure
    compact_formats                    compact telegrams, expanded by formats that were learnt
    mbus_application                   what the CI field announces becomes a telegram
    mbus_telegram, wmbus_telegram      one frame of the wire or the air -> telegram or refusal
    telegram_joining                   the telegrams of one readout as one
    telegram_meaning                   telegram -> values, qualities, events, the meter's clock
    cjt188_frames, cjt188_exchange     CJ/T 188: a frame, and whether it answers a request
    cjt188_units, cjt188_layout        what a unit byte means, where each value stands
    cjt188_reading                     meter data -> values, qualities, events, the meter's clock
    telegram_json, __main__            telegrams on the command line
"""
