"""Handing DAGs over from one deployment to the other."""
