"""The identity provider of a demo: an application of its own, beside the one it signs people in to."""
