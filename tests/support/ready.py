"""Loaded by the process that commands are copies of: each would read the system's authorities anew, to the same end."""

from webapp.providers.http import trusting_the_system

trusting_the_system()
