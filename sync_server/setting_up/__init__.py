"""Setting up: a site's settings, certificates, broker rules and units, from five answers.

The line through the modules:

    answers           pure: what is asked, and which answers cannot be used
    site_files        pure: the files of a server and of a gateway box
    monitoring        pure: alert rules for Prometheus and a page for Grafana
    materials         pure: what every pinned package is, with its licence
    materials_io      the bill of materials on the disk
    write_io          the files and certificates on the disk
    __main__          the command `lamplighter`
"""
