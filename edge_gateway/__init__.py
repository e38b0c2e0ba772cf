"""Reads meters, keeps every frame on disk, hands it to the server; the line through the modules.

config, config_io        one TOML file becomes one frozen value
read_plan                which words one request fetches
answers                  the words of a request, or why there are none
modbus_io                one strict transaction on one Modbus TCP link
meter_reading            the requests of one job, and what their failures mean
profiles_io              profiles of the configured meters, loaded and planned once
framing                  words become a frame; a failed read is a frame without values
schedule, clock_step     which job is due, who must wait; whether somebody has set the clock
queued                   what the queue holds, as values
queue_store              the durable queue: what is not acknowledged is still here
data_lock_io             two gateways never share one queue
outbox_io                group commit into the queue
messages                 state, health and events as the server reads them
link_io                  one thread per link: due, read, hand on
offers, batching         which frames are on their way; how many fit into one message
mqtt_io                  one MQTT connection, 5 or 3.1.1
uplink_io                queue to broker, the server's word back to the queue
clock_io, logs_io        the system's clock; one log line per event
run, __main__            everything built once and run until told to stop
"""
