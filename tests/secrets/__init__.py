"""Canaries in every place where a secret may be: none of them comes out anywhere."""
