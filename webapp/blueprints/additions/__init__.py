"""Adding an existing user."""
