"""The language of Countermand: its events, the fold that judges them, their bytes, the log port.

Pure: nothing in here reads a clock, draws a random number, touches a disk or a network.
"""
