"""What is fast, measured beside a bare Flask view on the same server in the same run."""
