"""What is not acknowledged is still here.

queued                   what the queue holds, as values
bodies                   how a frame is written: once, as the bytes that go to the server
seq_ranges               ranges of running numbers: together, in common, not in common
thinning                 which frames give way when there is no room
given_io                 which numbers were given, kept beside the file
lineage                  for whom frames are marked: one server, a restored one, several
queue_file_io            opens a file: made, brought to the present shape, checked, set aside
fresh_frames             the newest frames, in memory too
numbers_store            the few numbers that a file remembers
marks_store              which numbers are acknowledged
rows_store               the rows of one file and what they add up to
room_store               what gives way in a file that may not grow
handing_store            which rows of one file are handed on, and to whom next
epoch_store              one file: frames of one epoch
sqlite_pages, wal_pages  rows out of single pages of a file; which pages of its log count
raw_file_io              a damaged file page by page
doubts                   whether a file is the one that was left
remains_io               what a damaged file still holds, row by row
claims_io                what is known of a file that was set aside
merge_store              two files of one epoch become one
salvage_io               a damaged file becomes the file of its epoch
export_io                what a file holds, as JSON lines
queue_store              the durable queue: the present file and what is left of damaged ones
timekeeper               how each frame is dated: by the clock, by the uptime, or later
homecoming_io            what was kept in memory goes back to the disk
standby_io               where the gateway works while its folder takes nothing
data_lock_io             two gateways never share one queue
outbox_io                group commit into the queue
"""
