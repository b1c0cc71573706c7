"""The service on Kafka and PostgreSQL, beside bare clients of the same broker and database."""
