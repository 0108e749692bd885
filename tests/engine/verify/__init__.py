"""Tests of the comparison of both sides."""
