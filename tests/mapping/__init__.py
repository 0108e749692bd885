"""Rows of one version become rows of another."""
