"""Variables, connections, pools and environment variables: what differs, and how the target gets what it lacks.

rules     what a version of Airflow takes, and what an object becomes there
compare   both sides, object by object: the same, missing, differing, only there
plan      what is to be done about each, by the selection and the policy for conflicts
act       making one object, replacing one, and looking what became of it
copy      all of it, in order, stoppable
environ   which environment variables are worth carrying over, and how files spell them
"""
