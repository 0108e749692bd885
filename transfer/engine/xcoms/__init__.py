"""XComs of the runs that were moved: which there are, which are sound, sending each, remembering what is done."""
