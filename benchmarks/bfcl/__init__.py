"""The Berkeley Function Calling Leaderboard: tools and requests from outside the project."""
