"""The schema as small named steps. Append only: a step that has shipped is never edited, and they run in this order.

Times are UTC milliseconds, money is nano-dollars. Importing this package loads sqlite-utils
(97 ms), so only a process that is about to write does it.
"""

from agentdeck.adapters.database.migrations import first, later  # isort: skip
from agentdeck.adapters.database.migrations.registry import migrations

__all__ = ["first", "later", "migrations"]
