-- Requests for access with their answers, and views of lists that people keep.
CREATE TABLE access_request (id BYTES PRIMARY KEY, ref TEXT NOT NULL, user_id BYTES NOT NULL, device_id BYTES NOT NULL, app_id BYTES NOT NULL, reason TEXT NOT NULL, denied TEXT NOT NULL, for_ms INT NOT NULL, state INT NOT NULL, created INT NOT NULL, decided INT NOT NULL, decided_by BYTES NOT NULL, answer TEXT NOT NULL, until INT NOT NULL, ver INT NOT NULL);
CREATE INDEX access_request_user ON access_request (user_id, state, until);
CREATE INDEX access_request_state ON access_request (state, created, id);
CREATE INDEX access_request_created ON access_request (created, id);
CREATE TABLE saved_view (id BYTES PRIMARY KEY, owner BYTES NOT NULL, page TEXT NOT NULL, name TEXT NOT NULL, query TEXT NOT NULL, shared INT NOT NULL, created INT NOT NULL, ver INT NOT NULL, UNIQUE (owner, page, name));
CREATE INDEX saved_view_page ON saved_view (page, name, id);
