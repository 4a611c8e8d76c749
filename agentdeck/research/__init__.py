"""AutoResearch: loops that propose a change, measure it, and keep it only when it is better.

A loop is a process of its own. What it decided stands in an append-only ledger before it is done; the model that
proposes is replaceable and is trusted with nothing. Imports services, engine and ui never: a loop outlives the deck.
"""
