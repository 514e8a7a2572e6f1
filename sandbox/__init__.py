"""A whole world on one machine: an embedded broker, a stand-in for Google with a page, and data for the demo.

In: nothing but free ports. Out: addresses that the real settings are pointed at. The rule of this room: it plays the
parts of others and imports nothing of what it is there to exercise, save the shapes and the vault.
"""
