"""Compare both sides, row by row, without the checkpoint: it never asks what was marked as done.

One DAG:
1. walk     read both sides in step, in the order of start dates: a slice of the source, then whatever the target has in
            the same range. Count and digest every run's own row and its children, whatever their order; equal = same
2. tail     read the rest of the target's runs, which the source has not
3. front    read the front of both sides again, where runs have come or restarted meanwhile; the different runs that
            were seen must be as many as each side counts, else begin at 1
4. look     read every run that was not equal once more on both sides, and compare row by row: what differs now differs

Runs that only one side showed wait in the result store and find each other there by their id: so a run that has
another start_date on the other side is compared, too. Memory holds one window per DAG under way: digests and counts per
run, never a DAG; large pages lie in files.

A run is at rest or not compared: unfinished at the source, with live tasks, or changing there while it is read, it is
counted as unfinished; changing on the target, or gone on both sides by the second look, as changed. Neither is a
difference; a run that only one side still has at the second look is one. Runs that came after the walk began are not
looked at.
"""
