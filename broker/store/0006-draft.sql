-- Texts of policies that somebody wrote and nobody put in force yet; policy '' means the whole document.
CREATE TABLE policy_draft (id BYTES PRIMARY KEY, author BYTES NOT NULL, policy TEXT NOT NULL, base INT NOT NULL, note TEXT NOT NULL, doc TEXT NOT NULL, created INT NOT NULL, updated INT NOT NULL, ver INT NOT NULL);
CREATE INDEX policy_draft_updated ON policy_draft (updated, id);
