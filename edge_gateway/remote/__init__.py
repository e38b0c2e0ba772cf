"""What a gateway does when told from afar: only what a trusted key has signed, each order once.

trust                    which signatures count
admission                whether a signed command is for us and in time
ledger_store             the commands that were handled, and what became of them
standing                 which revision is in force: on trial, confirmed, rolled back
revision_store           the revisions on disk
permissions              which registers stay writable under a revision
revisions_io             a signed revision becomes links that can be started
trial, trials_io         when a revision has shown that it works; back by itself when not
answers                  what became of a command, in words
meter_orders_io          orders that concern one meter, in the thread of its link
audit_io                 who ordered what, kept on the gateway
certificates_io          until when the own certificate is good
metrics_io               the gateway's health for Prometheus
desk_io                  one thread through which every order passes
"""
