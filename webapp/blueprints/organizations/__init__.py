"""My organizations."""
