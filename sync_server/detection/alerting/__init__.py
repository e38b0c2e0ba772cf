"""Candidates become alerts, and crews' findings move their thresholds; pure.

The line through the modules:

    feedback          what crews found moves a meter's threshold, inside bounds
    thresholds        what findings taught, and how it moves a candidate
    class_budget      false alarms of a class move its threshold
    alert_book        which candidates become alerts, join one, or say that it is over
    shared_silence    which silent meters one alert stands for
    said              what a replay says that nobody said before
"""
