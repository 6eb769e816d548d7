"""The demo mailbox in the browser."""
