"""What a telegram says of itself: the records of EN 13757-3, their values and units.

measures                 the names of what a record can measure or say
telegram                 a record, a telegram, who speaks
media                    names of makers, device types and media
units                    the VIF tables
modifiers                what VIFEs change
information              the head of a record
codings                  numbers and texts in the data
times                    dates and times in the data
values                   the value of one record
record_bytes             the records behind a header
fixed_structure          the old fixed structure
compact_formats          compact telegrams, expanded by formats that were learnt
"""
