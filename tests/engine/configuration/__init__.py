"""What differs between two configurations, and what is to be done about it."""
