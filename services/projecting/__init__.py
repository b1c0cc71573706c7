"""The projector of an embedded service, in a process of its own (docs/decisions/0088).

The service's interpreter is then there for callers and runs; rows are made on another processor.
"""
