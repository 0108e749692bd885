"""Taking back what a job has written."""
