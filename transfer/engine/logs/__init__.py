"""Task logs of the runs that were moved: which there are, copying each, remembering which are done."""
