"""Where the modules of each float family lie: one reader a family."""
