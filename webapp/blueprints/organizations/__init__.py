"""My organizations, making one, and its settings."""
