"""How meters are asked: one line, one protocol, one request at a time.

link_url                 which protocol over which line a URL names
driver                   what every protocol gives: open, identify, read one job, close
heard                    what a job heard, before anybody works out what it means
answers                  the words of a request, or why there are none
link_counts              what one line has done since it was made
ports_io, serial_io      what carries bytes: a TCP connection, a serial port
read_plan                which words one request fetches
bus_time                 how long a request occupies a line
group_plan               what a register group is asked, and what it has refused
patience                 how long a unit may take to answer
held_line_io             one line, kept open
telegram_line_io         one request at a time on a line of telegrams, and the doubt a fault leaves
dtu_port_io              the connection of one DTU
dtu_rivals               who said the registration, and which of two DTUs has the line
listen_io                the port that a DTU dials in to
dtu_signs                which bytes are a DTU's own
modbus_frames            what a request expects back; a frame that passed its checks
rtu_frames, ascii_frames, mbap_frames   the frames in a stream of bytes
torn_frames              whether a numbered answer was completed by another frame
signed_answers           the numbered answer among a DTU's own words
owed_answers             which late answers may still come
in_step                  whether an answer may be that of an earlier request
spare_reads              what may be read only to learn that a meter is in step
line_rules               what an exchange has to know of its line
quiet_line_io            the silence before a request, and who breaks it
modbus_answers           whether a frame is the answer, or why there is none
exchange_io              one exchange: ask when it is silent, listen until it is decided
modbus_session_io        pymodbus over one strict exchange
modbus_io                reads words, and never an answer in doubt
modbus_links_io          the strict link of a URL
meter_reading            the requests of one job, and what their failures mean
later_values             values that are worked out when somebody looks
interview                what a meter says to the questions of identification
notices                  what a driver has the server told beside its frames
learnt                   what one driver leaves to the next
followed_values          which values follow from those before them
modbus_unit              what is known of one meter on a Modbus line
modbus_job               what one register group brought: values, or why there are none
modbus_driver            which requests a job is, and which profile a meter has
register_writes          which words a written value is, and whether it may be written
modbus_write_io          one write, read back; made for links that the site allows alone
modbus_probe_io          whether anybody is there, unit after unit
mbus_meter               which M-Bus meter a device address names, whose an answer is
mbus_answers             whether received bytes are the answer to an M-Bus request
mbus_io                  one strict exchange on one M-Bus line
mbus_repeats             whether a telegram is of now, or the repeat of an earlier one
mbus_readout             one readout of one meter, telegram by telegram
mbus_standing            whom an address stands for, and how far its telegrams are believed
mbus_driver              which M-Bus meter is asked how, and what its telegrams mean
mbus_scan                the meters on an M-Bus line, by address or by the tree of wildcards
modbus_objects, modbus_objects_io      what a device says of itself
cjt188_io                one strict exchange on one CJ/T 188 line
cjt188_driver            which CJ/T 188 meter is asked how, and what its answer means
"""
