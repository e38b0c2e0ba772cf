"""Reads meters, keeps every frame on disk, hands it to the server; the line through the rooms.

config, settings_table_io, config_io      one TOML file becomes one frozen value
links                    how meters are asked, one protocol each
polling                  what is read when, and how it becomes a frame
queue                    the durable queue, and the group commit into it
broker_tls_io            how a connection to a broker is encrypted
uplink                   queue to broker, the server's word back to the queue
remote                   signed orders and settings from afar, health, metrics
sparkplug                the same queue once more, as Sparkplug B for a SCADA host
moments, clock_step      now; whether somebody has set the clock
watchdog                 which thread hangs
clock_trust              whether the clock may be believed, and what the time is when it may not
figures                  what links and uplink have done, for health messages
clock_io, logs_io        the system's clock; one log line per event
host_names               whether a text can name a host
processor_io             which processor it keeps to
files_io                 a file that is either the old one or the new one, whatever happens
run                      everything built once and run until told to stop
commands, __main__       what a person types
"""
