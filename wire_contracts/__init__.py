"""What crosses between the parts: pure values, their parsers and their tables.

Standard library only, so that it also runs on the tablet. The line through the modules:

    errors, codes, fields      how a message from outside is refused, and read
    payloads, topics           how bytes and addresses look on MQTT
    quick_values               how values are made that every frame needs
    quantities, quality        what is measured, in which unit, how good
    frames, acks               meter -> server, and the server's word that it is safe
    frame_columns              the ordinary frames of a batch, column by column
    meter_frames               a frame of a known meter as a line of a file
    gateway_commands, gateway_health      signed orders to a gateway and its answers; how it is
    kinds, texts, evidence     what a detector says, in words and in a chart
    findings                   what the crew may say it was
    clock                      the one question about time
    life_cycle                 how a table of states refuses
    alert_states, work_order_states, request_states      the tables
    orders, order_person, order_site, order_copies      server <-> tablet: what orders are
    operations, blobs, sealed  server <-> tablet: what
    network, site_facts        the map of an area; what a crew does on site
    van                        what a crew has with it: parts and gas detectors
    pulls, pokes, sync, refusals, enrolment, review_outcomes      server <-> tablet: how
    patrols, patrol_facts      checkpoints and routes, and what was found there
    home_checks, meter_rounds  homes to be checked, meters to be read on foot
    forms                      what the office asks, and what its rules mean
    sync_openapi               their description for others
"""
