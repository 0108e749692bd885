"""Chaos on the real pair: faults on the wire, kills on both ends, a source that lives; then every row is compared."""
