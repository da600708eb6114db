"""What smsoffice does a second, beside the bare limit of the same machine in the same run: `make bench`."""
