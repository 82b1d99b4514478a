"""Other programs, each behind a protocol of `base`."""
