"""What the profile reads: PostgreSQL's log and collapsed stacks."""

from bench.profile import shares, statements

LOG = """2026-11-24 23:59:00.001 UTC [7] LOG:  duration: 0.500 ms  parse __asyncpg_stmt_1__:
\tSELECT a
\tFROM b WHERE c = $1
2026-11-24 23:59:00.002 UTC [7] LOG:  duration: 0.250 ms  bind __asyncpg_stmt_1__:
\tSELECT a
\tFROM b WHERE c = $1
2026-11-24 23:59:00.003 UTC [7] LOG:  duration: 1.250 ms  execute __asyncpg_stmt_1__:
\tSELECT a
\tFROM b WHERE c = $1
2026-11-24 23:59:00.004 UTC [8] LOG:  duration: 0.750 ms  execute __asyncpg_stmt_9__: \n\tSELECT a
\tFROM b WHERE c = $1
2026-11-24 23:59:00.005 UTC [8] LOG:  duration: 0.010 ms  statement: BEGIN;
2026-11-24 23:59:00.006 UTC [8] LOG:  checkpoint starting: time
"""


def test_statements_are_counted_by_their_text_with_planning_in_their_time() -> None:
    assert statements(LOG) == [
        {"text": "SELECT a FROM b WHERE c = $1", "calls": 2, "ms": 2.75},
        {"text": "BEGIN;", "calls": 1, "ms": 0.01},
    ]


def test_samples_are_shared_out_by_package_and_by_our_functions() -> None:
    main = "<module> (server/__main__.py:1);serve (server/web_worker.py:9);"
    found = shares(
        f"{main}create (server/api/staff/redemptions.py:5);redeem (benefits/redemptions.py:7);fetchrow (asyncpg/pool.py:3) 60\n"
        f"{main}create (server/api/staff/redemptions.py:5);redeem (benefits/redemptions.py:8) 20\n"
        f"{main}send (send:12) 20\n"
        "_bootstrap (threading.py:1);_worker (concurrent/futures/thread.py:81) 900\n"
    )
    assert found["count"] == 100
    assert found["packages"] == {"asyncpg": 0.6, "benefits": 0.2, "sanic": 0.2}
    assert found["functions"] == {
        "create (server/api/staff/redemptions.py)": 0.8,
        "redeem (benefits/redemptions.py)": 0.8,
    }
