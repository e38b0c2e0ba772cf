"""From the queue to the server, and the server's word back.

messages                 state, health and events as the server reads them
offers, batching         which frames are on their way; how many fit into one message
lanes                    what is sent next: live, and beside it what waited
delivery_io              offers the queue's frames, marks what the server has
event_store              events that the broker does not have yet, on disk
event_delivery_io        keeps events and sends them in order
mqtt_io                  one MQTT connection, 5 or 3.1.1
clock_watch_io           what becomes of the clock, and which frames can be dated now
uplink_parts             what the uplink is made from
uplink_io                queue to broker, the server's word back to the queue
"""
