"""Tests of moving XComs."""
