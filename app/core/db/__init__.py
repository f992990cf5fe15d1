"""The database: tables, connections, transactions, bulk writes, locks, migrations."""
