"""What is not acknowledged is still here.

queued                   what the queue holds, as values
queue_store              the durable queue
data_lock_io             two gateways never share one queue
outbox_io                group commit into the queue
"""
