"""The pages of access groups."""
