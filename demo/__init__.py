"""A town at true scale: its meters answer on real sockets, its faults are known to it alone.

The line through the modules, from the plan to what the other parts see:

    chance, town_time, names        numbers, calendar and words that follow from a seed
    seed_plan, seed_plan_io         how many of everything: `load_town(seed) -> Town`
    town_places, uses, staff        where things stand, what happens behind a meter, who works
    town_meters, town               131 remotely read meters; homes, boxes, wells, pipes
    town_clock, town_clock_io       `start_clock`, `join_clock`: one time for all processes (R25)
    faults, faults_io, story        the truth: `TruthFile(path).inject(fault)`, `.repair(...)`
    weather, slot_rows, heat, gas_water, consumption      `MeterModel.quantities(at_utc)`, `.series`
    household_truth, households     what the homes' meters show
    tablet_crews, inspections       which crews have a tablet; what inspectors walk, visit and read
    read_resolution, history        `meter_history(Past(...))`, `household_history(Past(...))`
    meters_io                       `TownMeters(town, clock, truth, ports)`: Modbus TCP on loopback
    gateway_configs, gateway_configs_io      `write_gateway_configs(town, places, ...)`
    network_plan                    the network as GeoJSON, as a utility would export it
    areas, accounts, seed_server_io, home_import_io      assets, people, past; homes day by day
    desk_past, seed_desk_io         who called in the weeks before, and what came of it
    places, broker_access, broker_io, cut_network_io      where data lies; the broker; the network
    process_life_io, supervisor_io          how a process of the demo lives, and who watches it
    run_broker, run_mosquitto, run_meters, run_gateways, run_server      the processes
    drawn_photos_io                 what the crew photographs, drawn by code
    hands, crew_work_io, run_crew, run_tablet      the crew: without a screen, or in a window
    inspecting, inspectors_io, two_tablets_io, run_other_crews      who is out beside it
    set_up_io, town_run_io          prepares the town once; brings it up and down
    control_room_io, cellar, loop, stage_io, water_leak      one pass round the loop
    accounting_io, check_report, kills, check      `--check`: the loop measured, under power cuts
    load_plan, load_sender_io, load_site_io, run_load      a million meters through the real ingest
    show                            `make demo`: the town to be watched
    kept_pictures_io                which pictures that are taken anew replace the kept ones
    screenshots_web_io, screenshots_tablet_io, screenshots      `make screenshots`
    __main__                        the command
"""
