-- What the gateways of connectors know of HTTP apps. endpoint is what endpoint_part says together: one row a connector.
CREATE TABLE endpoint (id BYTES PRIMARY KEY, app_id BYTES NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL, states INT NOT NULL, first INT NOT NULL, last INT NOT NULL, calls INT NOT NULL, users INT NOT NULL, errors INT NOT NULL, p95_us INT NOT NULL, violations INT NOT NULL, refused INT NOT NULL, expected_by BYTES NOT NULL, expected_at INT NOT NULL, expected_until INT NOT NULL, expected_why TEXT NOT NULL, ver INT NOT NULL);
CREATE INDEX endpoint_app ON endpoint (app_id, path, id);
CREATE INDEX endpoint_path ON endpoint (path, id);
CREATE INDEX endpoint_calls ON endpoint (calls, id);
CREATE INDEX endpoint_last ON endpoint (last, id);
CREATE INDEX endpoint_violations ON endpoint (violations, id);
CREATE TABLE endpoint_part (endpoint_id BYTES NOT NULL, connector_id BYTES NOT NULL, app_id BYTES NOT NULL, round INT NOT NULL, states INT NOT NULL, first INT NOT NULL, last INT NOT NULL, calls INT NOT NULL, users INT NOT NULL, errors INT NOT NULL, p95_us INT NOT NULL, violations INT NOT NULL, refused INT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (endpoint_id, connector_id));
CREATE INDEX endpoint_part_round ON endpoint_part (app_id, connector_id, round);
CREATE TABLE endpoint_day (endpoint_id BYTES NOT NULL, day INT NOT NULL, calls INT NOT NULL, PRIMARY KEY (endpoint_id, day));
CREATE TABLE gateway_hit (app_id BYTES NOT NULL, day INT NOT NULL, reason TEXT NOT NULL, rule TEXT NOT NULL, endpoint TEXT NOT NULL, user_id BYTES NOT NULL, blocked INT NOT NULL, monitor INT NOT NULL, first INT NOT NULL, last INT NOT NULL, PRIMARY KEY (app_id, day, reason, rule, endpoint, user_id));
CREATE TABLE gateway_day (app_id BYTES NOT NULL, connector_id BYTES NOT NULL, day INT NOT NULL, documented INT NOT NULL, full INT NOT NULL, requests INT NOT NULL, known INT NOT NULL, token INT NOT NULL, owner INT NOT NULL, bodies_read INT NOT NULL, unasked INT NOT NULL, oversize INT NOT NULL, streaming INT NOT NULL, coding INT NOT NULL, media_type INT NOT NULL, broken INT NOT NULL, lost INT NOT NULL, PRIMARY KEY (app_id, connector_id, day));
CREATE TABLE gateway_keys (connector_id BYTES PRIMARY KEY, body TEXT NOT NULL, seen INT NOT NULL);
CREATE TABLE expectation (id BYTES PRIMARY KEY, app_id BYTES NOT NULL, detector TEXT NOT NULL, user_name TEXT NOT NULL, group_name TEXT NOT NULL, endpoint TEXT NOT NULL, until INT NOT NULL, reason TEXT NOT NULL, incident_id BYTES NOT NULL, author BYTES NOT NULL, created INT NOT NULL);
CREATE INDEX expectation_app ON expectation (app_id, until);
