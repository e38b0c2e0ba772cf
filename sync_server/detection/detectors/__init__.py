"""The detectors, each a pure function of columns; none knows another.

The line through the modules:

    night_flow        more flow at the quietest hours than this meter ever needs: leak or burst
    continuous_flow   not one hour of rest in a day or three: a small leak
    silent_meter      no value for too long
"""
