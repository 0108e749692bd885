"""Tests of moving task logs."""
