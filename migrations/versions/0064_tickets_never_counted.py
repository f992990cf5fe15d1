"""Tickets of which reports have counted nothing, since their events make no sense: earlier versions only logged that.

Each is tried once more at once, and is left out, with word to operators, where that fails. Until then it holds up what
is counted from now on, and not what was told as counted before.
"""

from alembic import op

revision = "0064"
down_revision = "0063"
branch_labels = depends_on = None

# Of every ticket that is counted there is the moment at which it was opened. What the pass has not come to yet waits.
NOTE = """
WITH uncounted AS MATERIALIZED (
    SELECT t.account_id, t.id FROM tickets AS t
    WHERE NOT EXISTS (SELECT FROM report_moments AS m WHERE m.account_id = t.account_id AND m.ticket_id = t.id)
)
INSERT INTO report_recounts (account_id, ticket_id, since, due_at, failures)
SELECT t.account_id, t.id, now(), now(), 2 FROM uncounted AS t
WHERE (SELECT e.position FROM events AS e WHERE e.account_id = t.account_id AND e.ticket_id = t.id
       ORDER BY e.sequence LIMIT 1) <= (SELECT c.position FROM event_consumers AS c WHERE c.name = 'reports')
ON CONFLICT DO NOTHING
"""


def upgrade() -> None:
    op.execute(NOTE)


def downgrade() -> None:
    """What is noted is counted, or tried again, by the version before as well."""
