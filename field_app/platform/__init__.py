"""The ports to what only some tablets have: camera, tag reader, position, vault.

ports            what the app asks of them
fix_age          whether a position is of now
network          what kind of network carries the words
pin_rules        what a PIN must be, how long a wrong one waits, when its key is wiped
desktop          a machine without camera, tag reader and position, which says so
replay           a position that is replayed from a track
desktop_io       a desktop's stand-ins: pictures and codes from files, tones
android_io       an Android tablet's own parts; untried
hardware_io      which ports this machine has
no_vault         a machine that cannot encrypt, which keeps nothing
vault_file_io    the file with the wrapped keys
aes_vault_io     the vault of a machine with `cryptography`
vault_io         which vault this machine can have
"""
