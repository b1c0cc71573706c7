"""The pulse: what is being stopped right now, how long each phase takes, what is overdue.

Plain functions on rows of JSON-able values, each row keyed by what it is about. Whoever keeps the
rows (a dictionary in the process, a keyed table somewhere else) asks for the row of a key, hands it
in with an entry of the ledger, and stores what comes back. An entry that comes again changes
nothing: rows know up to which offset of which partition they have counted.
"""
