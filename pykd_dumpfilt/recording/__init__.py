"""The recording: what a trace leaves on disk."""
