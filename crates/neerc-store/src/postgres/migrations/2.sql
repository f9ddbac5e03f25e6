-- Whose clock `until` is of, and on which timeline that was written. A server that was started since, or has just taken over,
-- believes neither: `until` of another clock says nothing, and what was lost may have been taken by somebody.
ALTER TABLE lease ADD COLUMN clock timestamptz NOT NULL DEFAULT '-infinity'; -- when the server was started
ALTER TABLE lease ADD COLUMN timeline bigint; -- none: any
