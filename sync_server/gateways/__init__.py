"""Gateways: signed orders to them, their answers, and how they are.

The line through the modules:

    signing_io        keys of the people who may order; the server itself holds none
    schedule          pure: when an unanswered order goes again
    order_store       orders, signed, until their end is known
    health_store      the newest health message of each gateway
    broker_acl        pure: who may say and hear what at the broker
    commands_io       `sync-server gateway-keys`, `gateway-config`, `gateway-command`
"""
