"""What every feature stands on: settings, time, the database, errors, keys."""
