"""Other systems' task APIs, spoken to the byte over the one core.

A dialect is one module, or a small package: its routes, its mapping of statuses and fields, its
errors, its form of authentication. It calls the operations that the native API calls, and nothing
else: no dialect touches the log or a table. docs/dialects.md says how to add one.
"""
