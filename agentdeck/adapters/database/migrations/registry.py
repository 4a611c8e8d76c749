"""Where the steps of the schema are entered, in their order."""

from __future__ import annotations

from sqlite_utils import Database, Migrations

migrations = Migrations("agentdeck")


def run(db: Database, script: str) -> None:
    """Statement by statement: `executescript` would commit the transaction each step runs in."""
    for statement in script.split(";\n"):
        if statement.strip():
            db.execute(statement)
