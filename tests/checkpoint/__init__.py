"""Tests of the checkpoint: on real files, with real crashes."""
