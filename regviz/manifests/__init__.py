"""Manifests, indexes and configurations, parsed leniently; used by layouts and live readers alike."""
