"""What is read when: jobs become frames.

drivers_io               which driver speaks on which line
shared_lines             two masters of one line, two meters of one address: refused
profiles_io              profiles of the configured meters, loaded and planned once
kept_learnt, learnt_store   what drivers have learnt, kept over a swap and a restart
framing                  words become a frame; a failed read is a frame without values
due_times                when a job is due next: on a grid, or daily at a local time
standing                 how the meters have answered lately, whom to blame for silence
stretch                  which group gives way when the link is asked for too much
schedule                 which job is due, who must wait
meter_clocks             how far the meters' own clocks are off
link_io                  one thread per link: due, read, hand on
link_crew_io             the threads of all links, exchanged as a whole
"""
