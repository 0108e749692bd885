"""Tests of everything that speaks HTTP to a deployment."""
