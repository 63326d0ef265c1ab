"""Sites that hold competitions: their data fetched, submissions sent, scores read, through their own clients.

The clients (extras `kaggle` and `zindi`) are imported when a site is opened. Credentials come from where a client keeps
them, stay within it, and are taken out of whatever it says.
"""
