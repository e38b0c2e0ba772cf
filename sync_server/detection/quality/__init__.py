"""Data quality: what arrived becomes honest advances of hours, and what was wrong is named; pure.

The line through the modules:

    stamps            true times of readings; a clock that is wrong
    registers         honest advances of a register; what its odd steps mean
    telemetry         instantaneous values of a heat meter against its registers
    slots             the hours that advances are put into
    register_rules    candidates of data quality: register, clock, line
"""
