"""Steps 1 to 11: agents, their status, tasks, usage, views, trees, the trash."""

from __future__ import annotations

from sqlite_utils import Database

from agentdeck.adapters.database.migrations.registry import migrations, run


@migrations()
def m001_agents(db: Database) -> None:
    run(
        db,
        """
        CREATE TABLE agents (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, harness TEXT NOT NULL, model TEXT NOT NULL DEFAULT '',
            team TEXT NOT NULL DEFAULT '', repo TEXT NOT NULL, worktree TEXT NOT NULL, branch TEXT NOT NULL DEFAULT '',
            base TEXT NOT NULL DEFAULT '', base_oid TEXT NOT NULL DEFAULT '', here INTEGER NOT NULL DEFAULT 0,
            life TEXT NOT NULL, pane TEXT NOT NULL DEFAULT '', window TEXT NOT NULL DEFAULT '',
            pid INTEGER NOT NULL DEFAULT 0, pid_start REAL NOT NULL DEFAULT 0,
            cols INTEGER NOT NULL DEFAULT 120, rows INTEGER NOT NULL DEFAULT 40,
            argv TEXT NOT NULL DEFAULT '[]', session TEXT NOT NULL DEFAULT '',
            home TEXT NOT NULL DEFAULT '', config_home TEXT NOT NULL DEFAULT '',
            task_count INTEGER NOT NULL DEFAULT 0,
            created INTEGER NOT NULL, ended INTEGER NOT NULL DEFAULT 0, exit_code INTEGER
        );
        CREATE UNIQUE INDEX agents_name ON agents(name) WHERE life != 'removed';
        CREATE TABLE agent_sessions (
            agent TEXT NOT NULL, vendor_session TEXT NOT NULL, transcript TEXT NOT NULL DEFAULT '',
            started INTEGER NOT NULL, PRIMARY KEY (agent, vendor_session)
        );
        CREATE TABLE diffs (
            agent TEXT PRIMARY KEY, files INTEGER NOT NULL, added INTEGER NOT NULL, removed INTEGER NOT NULL,
            at INTEGER NOT NULL
        );
        CREATE TABLE context (
            agent TEXT PRIMARY KEY, used_tokens INTEGER NOT NULL, window_tokens INTEGER, at INTEGER NOT NULL
        );
        """,
    )


@migrations()
def m002_status(db: Database) -> None:
    run(
        db,
        """
        CREATE TABLE status (
            agent TEXT PRIMARY KEY, state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', ask TEXT,
            source TEXT NOT NULL DEFAULT '', since INTEGER NOT NULL DEFAULT 0, why TEXT NOT NULL DEFAULT '',
            until INTEGER NOT NULL DEFAULT 0, checked INTEGER NOT NULL DEFAULT 0, last_known TEXT,
            epoch INTEGER NOT NULL
        );
        CREATE TABLE evidence (
            agent TEXT NOT NULL, source TEXT NOT NULL, states TEXT NOT NULL, changed INTEGER NOT NULL,
            at INTEGER NOT NULL, why TEXT NOT NULL, extra TEXT NOT NULL DEFAULT '{}', PRIMARY KEY (agent, source)
        );
        CREATE TABLE events (
            id INTEGER PRIMARY KEY AUTOINCREMENT, ts INTEGER NOT NULL, agent TEXT NOT NULL DEFAULT '',
            kind TEXT NOT NULL, data TEXT NOT NULL DEFAULT '{}'
        );
        CREATE INDEX events_agent ON events(agent, id);
        """,
    )


@migrations()
def m003_engine(db: Database) -> None:
    run(
        db,
        """
        CREATE TABLE engine (
            one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL, pid INTEGER NOT NULL,
            pid_start REAL NOT NULL, heartbeat INTEGER NOT NULL, started INTEGER NOT NULL, version TEXT NOT NULL
        );
        INSERT INTO engine VALUES (1, 0, 0, 0, 0, 0, '');
        CREATE TABLE requests (
            id TEXT PRIMARY KEY, kind TEXT NOT NULL, agent TEXT NOT NULL DEFAULT '', args TEXT NOT NULL DEFAULT '{}',
            state TEXT NOT NULL DEFAULT 'queued', result TEXT, created INTEGER NOT NULL,
            settled INTEGER NOT NULL DEFAULT 0
        );
        CREATE INDEX requests_open ON requests(state) WHERE state IN ('queued', 'running');
        CREATE TABLE views (
            name TEXT PRIMARY KEY, filter TEXT NOT NULL DEFAULT '', panels TEXT NOT NULL DEFAULT '[]'
        );
        CREATE TABLE view_agents (
            view TEXT NOT NULL, agent TEXT NOT NULL, hidden INTEGER NOT NULL DEFAULT 0, position INTEGER,
            PRIMARY KEY (view, agent)
        );
        CREATE TABLE dashboards (
            pid INTEGER PRIMARY KEY, pid_start REAL NOT NULL, view TEXT NOT NULL, heartbeat INTEGER NOT NULL
        );
        CREATE TABLE approvals (hash TEXT PRIMARY KEY, kind TEXT NOT NULL, text TEXT NOT NULL, at INTEGER NOT NULL);
        """,
    )


@migrations()
def m004_work(db: Database) -> None:
    run(
        db,
        """
        CREATE TABLE specs (
            version TEXT PRIMARY KEY, path TEXT NOT NULL DEFAULT '', text TEXT NOT NULL,
            approved_by TEXT NOT NULL DEFAULT '', created INTEGER NOT NULL
        );
        CREATE TABLE tasks (
            id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL, state TEXT NOT NULL,
            reason TEXT NOT NULL DEFAULT '', spec_version TEXT NOT NULL REFERENCES specs(version),
            repo TEXT NOT NULL, priority INTEGER NOT NULL DEFAULT 0,
            base TEXT NOT NULL DEFAULT '', harness TEXT NOT NULL DEFAULT '', model TEXT NOT NULL DEFAULT '',
            agent TEXT NOT NULL DEFAULT '', verify TEXT NOT NULL DEFAULT '', created INTEGER NOT NULL
        );
        CREATE TABLE task_depends (task INTEGER NOT NULL, needs INTEGER NOT NULL, PRIMARY KEY (task, needs));
        CREATE TABLE attempts (
            task INTEGER NOT NULL, n INTEGER NOT NULL, agent TEXT NOT NULL, harness TEXT NOT NULL, model TEXT NOT NULL,
            session TEXT NOT NULL DEFAULT '', branch TEXT NOT NULL DEFAULT '', base_oid TEXT NOT NULL DEFAULT '',
            head_oid TEXT NOT NULL DEFAULT '', spec_version TEXT NOT NULL, delivery TEXT NOT NULL DEFAULT '',
            outcome TEXT NOT NULL DEFAULT 'running', reason TEXT NOT NULL DEFAULT '',
            started INTEGER NOT NULL, ended INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (task, n)
        );
        CREATE UNIQUE INDEX attempts_lease ON attempts(agent) WHERE outcome = 'running';
        CREATE TABLE deliveries (
            id TEXT PRIMARY KEY, agent TEXT NOT NULL, text TEXT NOT NULL, mode TEXT NOT NULL DEFAULT 'idle',
            kind TEXT NOT NULL DEFAULT 'message', task INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL DEFAULT 'queued',
            reason TEXT NOT NULL DEFAULT '', evidence TEXT NOT NULL DEFAULT '', created INTEGER NOT NULL,
            pasted INTEGER NOT NULL DEFAULT 0, submitted INTEGER NOT NULL DEFAULT 0, settled INTEGER NOT NULL DEFAULT 0
        );
        CREATE INDEX deliveries_open ON deliveries(agent) WHERE state IN ('queued', 'pasted', 'submitted');
        """,
    )


@migrations()
def m005_usage(db: Database) -> None:
    run(
        db,
        """
        CREATE TABLE usage (
            key TEXT PRIMARY KEY, message TEXT NOT NULL, harness TEXT NOT NULL, agent TEXT NOT NULL DEFAULT '',
            session TEXT NOT NULL, sidechain TEXT NOT NULL DEFAULT '', task INTEGER NOT NULL DEFAULT 0,
            attempt INTEGER NOT NULL DEFAULT 0, repo TEXT NOT NULL DEFAULT '', ts INTEGER NOT NULL,
            model TEXT NOT NULL, variant TEXT NOT NULL DEFAULT '',
            input INTEGER NOT NULL, cache_read INTEGER NOT NULL, cache_write_5m INTEGER NOT NULL,
            cache_write_1h INTEGER NOT NULL, output INTEGER NOT NULL, reasoning INTEGER NOT NULL,
            searches INTEGER NOT NULL DEFAULT 0,
            cost INTEGER, cost_source TEXT NOT NULL DEFAULT '', client_cost INTEGER
        );
        CREATE INDEX usage_message ON usage(message);
        CREATE INDEX usage_agent ON usage(agent, ts);
        CREATE INDEX usage_model ON usage(model);
        CREATE TABLE usage_rollup (
            agent TEXT NOT NULL, task INTEGER NOT NULL, attempt INTEGER NOT NULL, harness TEXT NOT NULL,
            repo TEXT NOT NULL, session TEXT NOT NULL, model TEXT NOT NULL, quarter INTEGER NOT NULL,
            messages INTEGER NOT NULL, input INTEGER NOT NULL, cache_read INTEGER NOT NULL,
            cache_write_5m INTEGER NOT NULL, cache_write_1h INTEGER NOT NULL, output INTEGER NOT NULL,
            reasoning INTEGER NOT NULL, cost INTEGER NOT NULL, unpriced_tokens INTEGER NOT NULL,
            PRIMARY KEY (agent, task, attempt, harness, repo, session, model, quarter)
        );
        CREATE TABLE file_states (
            path TEXT PRIMARY KEY, device INTEGER NOT NULL, inode INTEGER NOT NULL, size INTEGER NOT NULL,
            mtime_ns INTEGER NOT NULL, offset INTEGER NOT NULL, head TEXT NOT NULL, mark TEXT NOT NULL,
            parser INTEGER NOT NULL,
            diagnostics INTEGER NOT NULL DEFAULT 0
        );
        CREATE TABLE prices (
            model TEXT NOT NULL, variant TEXT NOT NULL, day TEXT NOT NULL, resolved TEXT NOT NULL DEFAULT '',
            rates TEXT, context_window INTEGER, source TEXT NOT NULL, PRIMARY KEY (model, variant, day)
        );
        """,
    )


@migrations()
def m006_views(db: Database) -> None:
    """What a view remembers beside its filter and whom it hides; who has an agent's size on loan for a zoom."""
    run(
        db,
        """
        ALTER TABLE views ADD COLUMN grouping TEXT NOT NULL DEFAULT 'team';
        ALTER TABLE views ADD COLUMN level TEXT NOT NULL DEFAULT '';
        ALTER TABLE views ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE view_agents ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
        CREATE TABLE size_leases (
            agent TEXT NOT NULL, pid INTEGER NOT NULL, pid_start REAL NOT NULL, window TEXT NOT NULL,
            cols INTEGER NOT NULL, rows INTEGER NOT NULL, own_cols INTEGER NOT NULL, own_rows INTEGER NOT NULL,
            taken INTEGER NOT NULL, ended INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (agent, pid)
        );
        """,
    )


@migrations()
def m007_trees(db: Database) -> None:
    run(
        db,
        """
        CREATE TABLE trees (
            agent TEXT PRIMARY KEY, branch TEXT NOT NULL, head TEXT NOT NULL, trouble TEXT NOT NULL,
            note TEXT NOT NULL, hint TEXT NOT NULL, since INTEGER NOT NULL
        );
        CREATE TABLE disk_use (agent TEXT PRIMARY KEY, bytes INTEGER NOT NULL, at INTEGER NOT NULL);
        """,
    )


@migrations()
def m008_trash(db: Database) -> None:
    run(
        db,
        """
        CREATE TABLE trash (
            id TEXT PRIMARY KEY, agent TEXT NOT NULL, name TEXT NOT NULL, repo TEXT NOT NULL,
            origin TEXT NOT NULL DEFAULT '', place TEXT NOT NULL DEFAULT '', branch TEXT NOT NULL DEFAULT '',
            head TEXT NOT NULL DEFAULT '', snapshot TEXT NOT NULL DEFAULT '', holds TEXT NOT NULL DEFAULT '',
            size INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL, removed INTEGER NOT NULL, since INTEGER NOT NULL
        );
        CREATE INDEX trash_held ON trash(removed) WHERE state NOT IN ('restored', 'dropped');
        """,
    )


@migrations()
def m009_companions(db: Database) -> None:
    run(db, "ALTER TABLE agents ADD COLUMN beside TEXT NOT NULL DEFAULT '';\n")


@migrations()
def m010_away(db: Database) -> None:
    """When a view was last seen, and which agents are in each other's way."""
    run(
        db,
        """
        ALTER TABLE views ADD COLUMN last_seen INTEGER NOT NULL DEFAULT 0;
        CREATE INDEX events_told ON events(ts) WHERE kind IN ('status', 'task', 'agent');
        CREATE TABLE collisions (
            one TEXT NOT NULL, other TEXT NOT NULL, kind TEXT NOT NULL, base TEXT NOT NULL DEFAULT '',
            paths TEXT NOT NULL, total INTEGER NOT NULL, since INTEGER NOT NULL, PRIMARY KEY (one, other, kind)
        );
        """,
    )


@migrations()
def m011_foreign(db: Database) -> None:
    """Sessions that were started outside the deck."""
    run(
        db,
        """
        CREATE TABLE foreign_sessions (
            harness TEXT NOT NULL, session TEXT NOT NULL, config_home TEXT NOT NULL, cwd TEXT NOT NULL,
            pid INTEGER NOT NULL, pid_start REAL NOT NULL, name TEXT NOT NULL, transcript TEXT NOT NULL,
            started INTEGER NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL, source TEXT NOT NULL,
            since INTEGER NOT NULL, why TEXT NOT NULL, ended INTEGER NOT NULL, PRIMARY KEY (harness, session)
        );
        """,
    )
