"""The engine: plan, read, choose, write, reconcile, mark."""
