"""Everything that speaks HTTP to a deployment."""
