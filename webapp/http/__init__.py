"""Everything that knows a request and is no page."""
