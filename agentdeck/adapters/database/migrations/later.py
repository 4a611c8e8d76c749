"""Steps 12 and on: the queue, budgets, totals, the outbox, attention, sums."""

from __future__ import annotations

import zlib

from sqlite_utils import Database

from agentdeck.adapters.database.migrations.registry import migrations, run


@migrations()
def m012_queue(db: Database) -> None:
    """What the gate found, step by step; what a spec asks of the queue."""
    run(
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
    run(
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
    run(
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
    run(
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
    run(
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
    run(db, "CREATE TABLE parked (agent TEXT PRIMARY KEY, why TEXT NOT NULL);\n")


@migrations()
def m018_watched(db: Database) -> None:
    """What is wrong with files in watched folders."""
    run(
        db,
        """
        CREATE TABLE spec_problems (path TEXT PRIMARY KEY, reason TEXT NOT NULL, at INTEGER NOT NULL);
        CREATE INDEX attempts_started ON attempts(started);
        """,
    )


@migrations()
def m019_total_lasted(db: Database) -> None:
    """How long the processes have run that are in a client's total."""
    run(db, "ALTER TABLE client_totals ADD COLUMN lasted INTEGER NOT NULL DEFAULT 0;\n")


@migrations()
def m020_responses(db: Database) -> None:
    """What responses share stands once, and a response is found by a number; the view `usage` shows them as before.

    A third of the space, and a row is entered in half the time however its client names it.
    """
    db.conn.create_function("crc32", 1, lambda text: zlib.crc32(text.encode()), deterministic=True)
    kind = "agent, task, attempt, harness, repo, session, sidechain, model, variant, cost_source"
    counts = "input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, searches, cost"
    same = " AND ".join(f"k.{name} = u.{name}" for name in kind.split(", "))
    run(
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
    run(
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
    run(
        db,
        """
        CREATE TABLE warm_trees (
            name TEXT PRIMARY KEY, repo TEXT NOT NULL, worktree TEXT NOT NULL, branch TEXT NOT NULL,
            base_oid TEXT NOT NULL, digest TEXT NOT NULL, state TEXT NOT NULL
        );
        """,
    )
