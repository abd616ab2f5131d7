"""What a user gives, checked before any work: config, options, checkpoint."""
