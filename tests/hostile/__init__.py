"""Input that nobody would send on purpose: answers, settings, state files and names."""
