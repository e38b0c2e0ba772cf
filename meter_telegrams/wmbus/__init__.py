"""Wireless M-Bus: a frame of the air becomes a telegram or is refused.

frames                   which bytes are a frame of the air
layers                   the layers between link and application
telegram                 one frame of the air -> telegram or refusal
"""
