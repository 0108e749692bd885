"""Hand the work of DAGs over from one deployment to the other, so that never both make runs of one of them.

Whatever is switched is written down before and read back afterwards. A DAG is unpaused on one side only after the
other side has just shown it paused, and when nothing that was sent before can still be carried out.
"""
