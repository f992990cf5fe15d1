"""The SLA clock: pure rules (C07 to C17) and the rows that hold a ticket's deadlines."""
