"""Real parts without containers: Apache Kafka and PostgreSQL for tests, laptops, `make cluster`.

Not part of the installed product, and nothing in the product imports it.
"""
