"""The `shiftcal` command, a file for each group of verbs.

In: arguments and settings. Out: what the other rooms do, an exit status, and one clear line on an error. The rule of
this room: it wires and prints; whatever can be decided without a terminal stands elsewhere.
"""
