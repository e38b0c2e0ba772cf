"""CJ/T 188: the household heat, water and gas meters of China.

frames                   which bytes are a frame
exchange                 whether an answer answers a request
units                    what a unit byte means
byte_order               which byte of a number comes first
layout                   where each value stands
reading                  meter data -> values, qualities, events, the meter's clock
telegram                 one whole answer, for whoever looks at it without a meter
"""
