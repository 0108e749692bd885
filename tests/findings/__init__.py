"""Tests of the result store of a verification."""
