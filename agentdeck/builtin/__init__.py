"""agentdeck's own small coding agent: a process of its own, written to be read.

Read it in this order: `loop` (prompt, model, tools, results, again), `model` (one streamed
request), `tools` and `shell` (what the model may do), `history` and `transcript` (what it
remembers), `report` (what the deck hears). Then the screen, from bytes to behaviour: `keys`,
`composer`, `layout`, `terminal`, `present`, `speech`, `interactive`; `headless` is the same loop
without a screen, and `main` puts one agent together.
"""
