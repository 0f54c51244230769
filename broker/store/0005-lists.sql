-- What lists need to stay fast at a hundred thousand people and ten million records: the texts that
-- a search looks at inside of the index that is walked, and postings of audit records.
ALTER TABLE user_account ADD COLUMN find TEXT NOT NULL DEFAULT '';
UPDATE user_account SET find = lower(name || '/' || display || '/' || email);
CREATE INDEX user_account_find ON user_account (name, find, state, id);
CREATE INDEX user_account_seen ON user_account (seen, name, find, state, id);
ALTER TABLE device ADD COLUMN find TEXT NOT NULL DEFAULT '';
UPDATE device SET find = lower(name || '/' || os || '/' || serials);
DROP INDEX device_name;
CREATE INDEX device_find ON device (name, id, find, state);
CREATE INDEX device_seen ON device (seen, id, find, state);
CREATE INDEX device_state ON device (state, created, id);
ALTER TABLE device_posture ADD COLUMN until INT NOT NULL DEFAULT 0;
UPDATE device_posture SET until = ts + 86400000;
CREATE INDEX device_posture_until ON device_posture (until, device_id);
CREATE INDEX access_request_app ON access_request (app_id, created, id);
CREATE INDEX access_request_person ON access_request (user_id, created, id);
DROP INDEX incident_app;
CREATE INDEX incident_app ON incident (app_id, last, id);
CREATE INDEX incident_user ON incident (user_id, last, id);
CREATE INDEX incident_detector ON incident (detector, last, id);
CREATE TABLE audit_find (key INT NOT NULL, ts INT NOT NULL, shard INT NOT NULL, seq INT NOT NULL, code INT NOT NULL, PRIMARY KEY (key, ts, shard, seq)) CLUSTERED;
CREATE TABLE audit_name (find TEXT NOT NULL, key INT NOT NULL, PRIMARY KEY (find, key)) CLUSTERED;
CREATE TABLE audit_hour (hour INT NOT NULL, shard INT NOT NULL, code INT NOT NULL, reason TEXT NOT NULL, n INT NOT NULL, PRIMARY KEY (hour, shard, code, reason)) CLUSTERED;
