"""The crew's tablet: orders, findings and their way to the server, offline for days.

The line through the packages, from the file on disk to the screen:

    clock_io, i18n, config, config_io    the time, the words, the settings
    interpreter_io                       what the process is set to
    store                                the SQLite file: base rows, outbox, drafts, identity
    platform                             ports to camera, NFC, GPS and vault
    forms                                what the finding form asks and what is missing
    orders                               base + outbox = what the crew sees; taps become operations
    checklists                           the office's forms: kept drafts, sealed answer sets
    patrols                              rounds of an inspector: patrols, home checks, meters by eye
    photos                               photos: taken, stripped, encrypted, kept until they arrive
    sync                                 pull, push, back-off, and the reason why not
    access                               log-in by PIN, personal data on lease, withdrawal
    wake_up_io                           the store made ready at a start
    contact_io                           the way to the server, made when it is first wanted
    tablet_books                         how its words stand, what its screens keep
    tablet_desks                         where taps become words, made when first wanted
    tablet_people                        who may work on it, and what opens it
    tablet                               one tablet, put together
    presenters                           state in, view data out
    ui                                   the screens
    later_pages                          what is opened from the list
    app                                  tablet and screens, put together
    crew                                 the same tablet without screens
    demo_places, demo_town, demo_office  made-up work and who deals it out, without a server
    commands_io                          what the command line asks
    __main__                             the command `field-app`
"""
