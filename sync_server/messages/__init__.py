"""Messages to customers: templates, consent, what waits, and the port they leave through.

The line through the modules:

    templates             what a message says, and whether it needs consent
    message_store         what waits, was sent, or cannot be
    messenger_io          the port, and a messenger that writes into a file
    send_run_io           sends what waits, again and again until it is given up
"""
