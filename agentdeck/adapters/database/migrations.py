"""The schema as small named steps. Append only: a step that has shipped is never edited.

Times are UTC milliseconds, money is nano-dollars. Importing this file loads sqlite-utils
(97 ms), so only a process that is about to write does it.
"""

from __future__ import annotations

import zlib

from sqlite_utils import Database, Migrations

migrations = Migrations("agentdeck")


def _run(db: Database, script: str) -> None:
    """Statement by statement: `executescript` would commit the transaction each step runs in."""
    for statement in script.split(";\n"):
        if statement.strip():
            db.execute(statement)


@migrations()
def m001_agents(db: Database) -> None:
    _run(
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
    _run(
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
    _run(
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
    _run(
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
    _run(
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
    _run(
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
    _run(
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
    _run(
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
    _run(db, "ALTER TABLE agents ADD COLUMN beside TEXT NOT NULL DEFAULT '';\n")


@migrations()
def m010_away(db: Database) -> None:
    """When a view was last seen, and which agents are in each other's way."""
    _run(
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
    _run(
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


@migrations()
def m012_queue(db: Database) -> None:
    """What the gate found, step by step; what a spec asks of the queue."""
    _run(
        db,
        """
        CREATE TABLE gate_steps (
            task INTEGER NOT NULL, attempt INTEGER NOT NULL, n INTEGER NOT NULL, step TEXT NOT NULL,
            state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', command TEXT NOT NULL DEFAULT '',
            exit_code INTEGER, output TEXT NOT NULL DEFAULT '',
            started INTEGER NOT NULL, ended INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (task, attempt, n)
        );
        ALTER TABLE tasks ADD COLUMN niche TEXT NOT NULL DEFAULT '';
        ALTER TABLE tasks ADD COLUMN team TEXT NOT NULL DEFAULT '';
        ALTER TABLE tasks ADD COLUMN path TEXT NOT NULL DEFAULT '';
        ALTER TABLE tasks ADD COLUMN max_attempts INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE tasks ADD COLUMN tried_before INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE tasks ADD COLUMN keep_going INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE attempts ADD COLUMN config_home TEXT NOT NULL DEFAULT '';
        CREATE INDEX tasks_state ON tasks(state);
        CREATE INDEX tasks_path ON tasks(path) WHERE path != '';
        CREATE INDEX depends_needs ON task_depends(needs);
        CREATE TABLE breaker_resets (subject TEXT PRIMARY KEY, at INTEGER NOT NULL);
        """,
    )


@migrations()
def m013_budgets(db: Database) -> None:
    """Limits, what they did to whom, and how long each agent has been at work by quarters of an hour."""
    _run(
        db,
        """
        CREATE TABLE budgets (
            scope TEXT NOT NULL, key TEXT NOT NULL, usd INTEGER NOT NULL, tokens INTEGER NOT NULL,
            minutes INTEGER NOT NULL, turns INTEGER NOT NULL, source TEXT NOT NULL, at INTEGER NOT NULL,
            PRIMARY KEY (scope, key)
        );
        CREATE TABLE budget_acts (
            agent TEXT PRIMARY KEY, level TEXT NOT NULL, why TEXT NOT NULL, scope TEXT NOT NULL,
            since INTEGER NOT NULL, pressed INTEGER NOT NULL, turns INTEGER NOT NULL
        );
        CREATE TABLE work_time (
            agent TEXT NOT NULL, task INTEGER NOT NULL, quarter INTEGER NOT NULL, ms INTEGER NOT NULL,
            PRIMARY KEY (agent, task, quarter)
        );
        """,
    )


@migrations()
def m014_usage_totals(db: Database) -> None:
    """What clients say of their sessions' totals and accounts' limits; sums over more than a quarter of an hour.

    A response is found by its key, which begins with its message. Rollouts are read again: their keys have changed.
    """
    _run(
        db,
        """
        ALTER TABLE file_states ADD COLUMN told TEXT NOT NULL DEFAULT '';
        ALTER TABLE file_states ADD COLUMN harness TEXT NOT NULL DEFAULT '';
        CREATE TABLE client_totals (
            harness TEXT NOT NULL, session TEXT NOT NULL, source TEXT NOT NULL, model TEXT NOT NULL,
            at INTEGER NOT NULL, chain TEXT NOT NULL DEFAULT '', input INTEGER NOT NULL, cache_read INTEGER NOT NULL,
            cache_write_5m INTEGER NOT NULL, cache_write_1h INTEGER NOT NULL, output INTEGER NOT NULL,
            reasoning INTEGER NOT NULL, cost INTEGER, PRIMARY KEY (harness, session, source, model, at)
        ) WITHOUT ROWID;
        CREATE INDEX client_totals_chain ON client_totals(chain) WHERE chain != '';
        CREATE TABLE reconciliation (
            harness TEXT NOT NULL, session TEXT NOT NULL, model TEXT NOT NULL, source TEXT NOT NULL,
            at INTEGER NOT NULL, agent TEXT NOT NULL, task INTEGER NOT NULL, attempt INTEGER NOT NULL,
            repo TEXT NOT NULL, our_tokens INTEGER NOT NULL, our_cost INTEGER NOT NULL,
            client_tokens INTEGER NOT NULL, client_cost INTEGER, input INTEGER NOT NULL, cache_read INTEGER NOT NULL,
            cache_write_5m INTEGER NOT NULL, cache_write_1h INTEGER NOT NULL, output INTEGER NOT NULL,
            reasoning INTEGER NOT NULL, cost INTEGER, PRIMARY KEY (harness, session, model, source)
        ) WITHOUT ROWID;
        CREATE TABLE limits (
            harness TEXT NOT NULL, account TEXT NOT NULL, window TEXT NOT NULL, used_percent REAL NOT NULL,
            resets_at INTEGER NOT NULL, at INTEGER NOT NULL, agent TEXT NOT NULL DEFAULT '',
            PRIMARY KEY (harness, account, window, at)
        ) WITHOUT ROWID;
        CREATE TABLE cache_warmth (
            agent TEXT PRIMARY KEY, warm INTEGER NOT NULL, expires_at INTEGER NOT NULL, hit_ratio REAL,
            recache_tokens INTEGER NOT NULL, at INTEGER NOT NULL
        );
        CREATE TABLE usage_days (
            agent TEXT NOT NULL, task INTEGER NOT NULL, attempt INTEGER NOT NULL, harness TEXT NOT NULL,
            repo TEXT NOT NULL, model TEXT NOT NULL, day INTEGER NOT NULL,
            messages INTEGER NOT NULL, input INTEGER NOT NULL, cache_read INTEGER NOT NULL,
            cache_write_5m INTEGER NOT NULL, cache_write_1h INTEGER NOT NULL, output INTEGER NOT NULL,
            reasoning INTEGER NOT NULL, cost INTEGER NOT NULL, unpriced_tokens INTEGER NOT NULL,
            PRIMARY KEY (day, agent, task, attempt, harness, repo, model)
        ) WITHOUT ROWID;
        CREATE TABLE usage_ever (
            agent TEXT NOT NULL, task INTEGER NOT NULL, attempt INTEGER NOT NULL, harness TEXT NOT NULL,
            repo TEXT NOT NULL, model TEXT NOT NULL,
            messages INTEGER NOT NULL, input INTEGER NOT NULL, cache_read INTEGER NOT NULL,
            cache_write_5m INTEGER NOT NULL, cache_write_1h INTEGER NOT NULL, output INTEGER NOT NULL,
            reasoning INTEGER NOT NULL, cost INTEGER NOT NULL, unpriced_tokens INTEGER NOT NULL,
            PRIMARY KEY (agent, task, attempt, harness, repo, model)
        ) WITHOUT ROWID;
        DROP INDEX usage_message;
        DROP INDEX usage_model;
        CREATE INDEX usage_session ON usage(session, model);
        CREATE INDEX usage_rollup_time ON usage_rollup(quarter);
        UPDATE usage SET message = substr(key, 1, instr(key, '/') - 1) WHERE key = message AND key LIKE '%:row:%/%';
        DELETE FROM usage_rollup WHERE harness IN (SELECT harness FROM usage WHERE key = message AND key LIKE '%/%');
        DELETE FROM usage WHERE harness IN (SELECT harness FROM usage WHERE key = message AND key LIKE '%/%');
        UPDATE usage SET key = message || '/' || substr(key, instr(key, '/') + 1,
            instr(key, '#advisor') - instr(key, '/') - 1) WHERE key LIKE '%/%#advisor%';
        INSERT INTO usage_days SELECT agent, task, attempt, harness, repo, model, quarter / 86400000 * 86400000,
            SUM(messages), SUM(input), SUM(cache_read), SUM(cache_write_5m), SUM(cache_write_1h), SUM(output),
            SUM(reasoning), SUM(cost), SUM(unpriced_tokens) FROM usage_rollup GROUP BY 1, 2, 3, 4, 5, 6, 7;
        INSERT INTO usage_ever SELECT agent, task, attempt, harness, repo, model,
            SUM(messages), SUM(input), SUM(cache_read), SUM(cache_write_5m), SUM(cache_write_1h), SUM(output),
            SUM(reasoning), SUM(cost), SUM(unpriced_tokens) FROM usage_rollup GROUP BY 1, 2, 3, 4, 5, 6;
        """,
    )


@migrations()
def m015_outbox(db: Database) -> None:
    """What was left out of a text, how often it was pasted, when a turn was ended for it, what was sent together."""
    _run(
        db,
        """
        ALTER TABLE deliveries ADD COLUMN note TEXT NOT NULL DEFAULT '';
        ALTER TABLE deliveries ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE deliveries ADD COLUMN interrupted INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE deliveries ADD COLUMN command INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE deliveries ADD COLUMN batch TEXT NOT NULL DEFAULT '';
        CREATE INDEX deliveries_state ON deliveries(state) WHERE state NOT IN ('acknowledged', 'refused');
        """,
    )


@migrations()
def m016_attention(db: Database) -> None:
    """What each agent that needs a human waits for, and when one saw it or was told of it."""
    _run(
        db,
        """
        CREATE TABLE attention (
            agent TEXT PRIMARY KEY, state TEXT NOT NULL, since INTEGER NOT NULL, ask TEXT NOT NULL,
            seen INTEGER NOT NULL, rung INTEGER NOT NULL
        );
        """,
    )


@migrations()
def m017_parked(db: Database) -> None:
    """Who waits for the end of a limit or an outage that several have met, and in what words."""
    _run(db, "CREATE TABLE parked (agent TEXT PRIMARY KEY, why TEXT NOT NULL);\n")


@migrations()
def m018_watched(db: Database) -> None:
    """What is wrong with files in watched folders."""
    _run(
        db,
        """
        CREATE TABLE spec_problems (path TEXT PRIMARY KEY, reason TEXT NOT NULL, at INTEGER NOT NULL);
        CREATE INDEX attempts_started ON attempts(started);
        """,
    )


@migrations()
def m019_total_lasted(db: Database) -> None:
    """How long the processes have run that are in a client's total."""
    _run(db, "ALTER TABLE client_totals ADD COLUMN lasted INTEGER NOT NULL DEFAULT 0;\n")


@migrations()
def m020_responses(db: Database) -> None:
    """What responses share stands once, and a response is found by a number; the view `usage` shows them as before.

    A third of the space, and a row is entered in half the time however its client names it.
    """
    db.conn.create_function("crc32", 1, lambda text: zlib.crc32(text.encode()), deterministic=True)
    kind = "agent, task, attempt, harness, repo, session, sidechain, model, variant, cost_source"
    counts = "input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, searches, cost"
    same = " AND ".join(f"k.{name} = u.{name}" for name in kind.split(", "))
    _run(
        db,
        f"""
        CREATE TABLE usage_kinds (
            id INTEGER PRIMARY KEY, session TEXT NOT NULL, agent TEXT NOT NULL, task INTEGER NOT NULL,
            attempt INTEGER NOT NULL, harness TEXT NOT NULL, repo TEXT NOT NULL, sidechain TEXT NOT NULL,
            model TEXT NOT NULL, variant TEXT NOT NULL, cost_source TEXT NOT NULL, newest INTEGER NOT NULL,
            UNIQUE (session, agent, task, attempt, harness, repo, sidechain, model, variant, cost_source)
        );
        CREATE INDEX usage_kinds_agent ON usage_kinds(agent, newest);
        CREATE TABLE responses (
            id INTEGER PRIMARY KEY, mark INTEGER NOT NULL, message TEXT NOT NULL, rest TEXT NOT NULL,
            kind INTEGER NOT NULL, ts INTEGER NOT NULL,
            input INTEGER NOT NULL, cache_read INTEGER NOT NULL, cache_write_5m INTEGER NOT NULL,
            cache_write_1h INTEGER NOT NULL, output INTEGER NOT NULL, reasoning INTEGER NOT NULL,
            searches INTEGER NOT NULL, cost INTEGER, client_cost INTEGER
        );
        UPDATE usage SET message = key WHERE substr(key, 1, length(message)) != message;
        INSERT INTO usage_kinds ({kind}, newest) SELECT {kind}, MAX(ts) FROM usage
            GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10;
        INSERT INTO responses SELECT NULL, crc32(message), message, substr(key, length(message) + 1), k.id, ts,
            {counts}, client_cost FROM usage u JOIN usage_kinds k ON {same} ORDER BY u.rowid;
        DROP TABLE usage;
        CREATE INDEX responses_mark ON responses(mark);
        CREATE INDEX responses_kind ON responses(kind, ts);
        CREATE VIEW usage AS SELECT r.message || r.rest key, r.message, k.harness, k.agent, k.session, k.sidechain,
            k.task, k.attempt, k.repo, r.ts, k.model, k.variant, r.input, r.cache_read, r.cache_write_5m,
            r.cache_write_1h, r.output, r.reasoning, r.searches, r.cost, k.cost_source, r.client_cost, k.newest
            FROM responses r JOIN usage_kinds k ON k.id = r.kind;
        """,
    )


@migrations()
def m021_usage_quarters(db: Database) -> None:
    """Sums by time and model alone: what heatmap, course and days are drawn from."""
    _run(
        db,
        """
        CREATE TABLE usage_quarters (
            quarter INTEGER NOT NULL, model TEXT NOT NULL,
            messages INTEGER NOT NULL, input INTEGER NOT NULL, cache_read INTEGER NOT NULL,
            cache_write_5m INTEGER NOT NULL, cache_write_1h INTEGER NOT NULL, output INTEGER NOT NULL,
            reasoning INTEGER NOT NULL, cost INTEGER NOT NULL, unpriced_tokens INTEGER NOT NULL,
            PRIMARY KEY (quarter, model)
        ) WITHOUT ROWID;
        INSERT INTO usage_quarters SELECT quarter, model, SUM(messages), SUM(input), SUM(cache_read),
            SUM(cache_write_5m), SUM(cache_write_1h), SUM(output), SUM(reasoning), SUM(cost), SUM(unpriced_tokens)
            FROM usage_rollup GROUP BY 1, 2;
        """,
    )


@migrations()
def m022_warm_trees(db: Database) -> None:
    """Worktrees that are set up before an agent has them."""
    _run(
        db,
        """
        CREATE TABLE warm_trees (
            name TEXT PRIMARY KEY, repo TEXT NOT NULL, worktree TEXT NOT NULL, branch TEXT NOT NULL,
            base_oid TEXT NOT NULL, digest TEXT NOT NULL, state TEXT NOT NULL
        );
        """,
    )
