"""The log on Apache Kafka: a topic for each stream. Everything about Kafka is in here.

Readers are assigned their partitions explicitly and keep their own positions; there are no consumer
groups, and no offset is ever reset without being asked for.
"""
