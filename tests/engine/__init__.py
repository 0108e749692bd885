"""Tests of the engine: its parts with fakes, the whole of it between two emulators."""
