"""The pulse on Kafka: a Faust app whose agent keeps the rows of partitions in a keyed Table.

Faust says which partitions are this worker's, wakes it when they grow, and brings their rows to
whoever takes them over. It isn't trusted with progress: how far a partition was taken in stands
beside its rows, and what is missing is read through the log port (docs/decisions/0084). The rows
and what they come to are `projections.pulse`, the same as in one process.
"""
