"""The tour: the founding article retold as a report made on the reader's own machine."""
