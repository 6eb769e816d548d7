"""Identity providers: what kinds there are, how each is spoken to, and what is believed of their answers."""
