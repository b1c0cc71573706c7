"""The composition root of services that run alone, on one log on Kafka and one PostgreSQL.

A module for each kind of process: which parts it has, and the order in which they live and end.
What is the same on both logs comes from the parts themselves. Each loads only what it needs.
"""
