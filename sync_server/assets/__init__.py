"""The assets: gateways, communities, meters, and which device is which meter at which time.

The line through the modules:

    assets            the values of gateways, communities, meters
    device_map        which meter a device serial meant at an instant
    asset_store       the assets in the database
    network_geojson   what a GeoJSON file of the network means
    network_store     the network on the map, published to the area's tablets
    network_import_io  a GeoJSON file put onto the map
    import_io         a CSV file of meters, checked row by row
"""
