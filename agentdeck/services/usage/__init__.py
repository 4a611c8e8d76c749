"""Tokens and cost: read from the clients' own records, stored for good, priced, summed up."""
