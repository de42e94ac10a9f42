"""The API under `/api/v1`: one table of operations, from which routes, checks of what is asked and OpenAPI are made."""
