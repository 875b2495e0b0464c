"""What an export costs, format by format, beside PostgreSQL's own COPY of the same rows."""
