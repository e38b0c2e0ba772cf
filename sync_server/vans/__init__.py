"""The vans: which parts each crew has left, which gas detectors it carries, how long they hold.

The line through the modules:

    standard_parts   what a van begins with
    van_store        parts and detectors of each crew, shown to its tablets
    part_use         a part that a crew took -> what is left
    van_import_io    CSV files of parts and of detectors, checked row by row
"""
