"""Single sign-on: connections to providers, ways to them and back, and whom their people are here."""
