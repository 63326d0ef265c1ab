"""What is made of tables that nobody has described: which column is which, what is asked, what to train."""
