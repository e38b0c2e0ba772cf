"""A second, optional output: the same queue as Sparkplug B for a SCADA host.

payload                  the protocol buffer as bytes
node                     births, aliases, sequence numbers, deaths: what is said when
host                     whether the primary host is there
sparkplug_mqtt_io        one MQTT connection of one session
sparkplug_io             sessions one after the other, and the cursor on the queue
"""
