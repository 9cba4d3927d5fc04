-- The table keeps its name: 2026-11-27-070002 removes it under this one.
SELECT 1;
