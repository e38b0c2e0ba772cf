"""The tablet's one SQLite file: what the server said, what the crew said, and nothing lost.

record_states     what is said about one record's way to the server
tables            the tables as SQLAlchemy Core sees them
schema_steps      how the file's shape came to be, step by step, forward only
ids_io            random ids
round_records     the names under which rounds are kept, beside orders
connections_io    PRAGMAs and engines
log_end_io        whether the log ends where it was left
torn_file_io      a file of which the disk does not give every block
page_scan         the records on the pages of a file whose directory is gone
salvage_io        what can be saved out of a damaged file
readable          whether every row can be taken apart
settings_store    the few single values: token, offset, next try, counters
reserve_io        room of the disk that is held back for what waits
database_io       one writer thread, short readers, opening and closing
identity_io       the file with the tablet's secret
lease             what time it must be at the server by now, whatever the wall clock says
lease_store       until when personal data may stay, what unsent words are sealed to
personal_rows     which rows are kept as ciphertext only
saved_at          when an answer was kept, by clocks and in the order of writing
draft_store       answers that are not sealed yet, each with its author
told_of_taps      what servers have told of a tap, for the next one that is restored
sealed_store      words sealed as they are written, readable by the server alone
sealed_alone_store  what a wipe or a damage leaves in sealed form only
sealed_sending_store  the way of those envelopes to the server
quick_json        the faster JSON, where there is one
row_text          whether a pulled row is what the server hashed
among             one statement for any number of ids
fixed_statement   statements put together once, when the app starts
bulk_write        many rows at the driver's speed
order_copy_store  orders that a restored server may have forgotten
base_store        rows as the server sent them, with the checksum of every bucket
outbox_store      operations: written with the tap, read record by record
outgoing_store    which of them a push takes next, and which are on their way
outcome_store     what the server answered: outcomes, echoes, decisions, 90 days of history
look_store        what the screens ask of the whole outbox
upload_store      how the upload of a photo stands, how long its file stays
photo_store       which photos and signatures belong to which record
traces_store      drafts and photos beside a record's operations, with one statement
rescue            which of the words of a damaged file come back
care              what an idle tablet does for its file
"""
