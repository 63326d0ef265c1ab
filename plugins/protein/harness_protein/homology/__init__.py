"""Which sequences are relatives: shared k-mers, clusters of them, identity to the nearest training sequence."""
