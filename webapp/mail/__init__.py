"""From an outbox row to a delivered letter."""
