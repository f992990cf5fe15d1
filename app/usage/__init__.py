"""What an account has used of its quotas."""
