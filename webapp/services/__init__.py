"""Verbs that change the world. They flush, never commit, and send nothing."""
