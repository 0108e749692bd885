"""Tests of what finds moved runs again."""
