"""Distribution's storage, of every registry since 2015 that keeps files: Docker Registry 2.x, 3.x, Harbor, GitLab."""
