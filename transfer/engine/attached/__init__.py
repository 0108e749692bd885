"""What hangs on runs that were moved (task logs, XComs): finding the runs again, and what is theirs."""
