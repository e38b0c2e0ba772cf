"""Operator figures: what the alerts of a period asked of the people who watched.

The line through the modules:

    figures           rates, chattering, stale, bad actors, times to acknowledge, false alerts
    figures_store     alerts, watches and meters of a period
"""
