"""A small certificate authority for one site: brokers, pages, gateways and the server itself.

The line through the modules:

    certificate_terms what a certificate is for, whose it is, and how long it is good
    authority_io      the authority in its folder: certificates, the list of revoked ones
    commands_io       the commands
"""
