"""Telegrams of meters that describe themselves, as pure parsers: M-Bus, wireless M-Bus, CJ/T 188.

The line through the modules:
    errors                             how bytes are refused
    cjt188_frames, cjt188_exchange     CJ/T 188: a frame, and whether it answers a request
    cjt188_units, cjt188_layout        what a unit byte means, where each value stands
    cjt188_reading                     meter data -> values, qualities, events, the meter's clock
"""
