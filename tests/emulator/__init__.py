"""Tests of the emulator's own promises; what it shares with real servers stands in the contract."""
