"""One module a topic: measure(machinery) gives the rows of the table."""
