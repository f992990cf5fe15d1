"""What people and programs do with tickets: one function for each."""
