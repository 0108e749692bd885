"""Take back what a job has written: find its runs on the target, judge them, remove those that are as it wrote them.

The checkpoint knows digests of run ids, not names, so the target's runs are paged; nothing is known of what their rows
were like either, so the source's runs are read beside them. A run is removed if the target shows what the source's run
becomes there; then nothing is lost with it.
"""
