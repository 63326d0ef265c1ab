"""Kaggle's Digit Recognizer for the competition harness."""
