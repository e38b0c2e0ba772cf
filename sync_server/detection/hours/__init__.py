"""The hours that detectors judge, and the days before them; pure.

The line through the modules:

    history           the last days of every meter, and which hours were abnormal
    expansion         water that a heating network takes up as it grows warmer
    weather_fit       what use fits the weather, learnt for every customer
    outdoors          outdoor temperature of each meter's hours
"""
