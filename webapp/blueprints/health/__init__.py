"""Whether the process lives and the database is ready."""
