"""Telegrams of meters that describe themselves, as pure parsers: M-Bus, wireless M-Bus, CJ/T 188.

The line through the modules:

"""
