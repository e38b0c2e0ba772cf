"""The hall: whoever comes gets a number and is guided to the right window (rule B-01).

The line through the modules:

    queue             needs, windows, the life of a visit, who is next, how long people waited
    queue_store       the day's visits in the database
"""
