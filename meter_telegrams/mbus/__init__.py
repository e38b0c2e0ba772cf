"""M-Bus: a frame of the wire becomes a telegram or is refused.

frames                   which bytes are a frame of the wire
header                   who speaks and in what state
ciphers                  encrypted bytes become clear
application              what the CI field announces becomes a telegram
telegram                 one frame of the wire -> telegram or refusal
joining                  the telegrams of one readout as one
"""
