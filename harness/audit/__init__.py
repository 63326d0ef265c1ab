"""Does a split resemble the test set? `audit` tries several and says; `guard` refuses one that plainly does not."""
