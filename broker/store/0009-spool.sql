-- How far the audit spool of each connector is told: spool_id names its numbering, told is the last number that is in the log. And sessions that ended, for records that come later than their end.
CREATE TABLE spool (connector_id BYTES PRIMARY KEY, spool_id BYTES NOT NULL, told INT NOT NULL, at INT NOT NULL);
CREATE TABLE session_past (id BYTES PRIMARY KEY, user_id BYTES NOT NULL, device_id BYTES NOT NULL, app_id BYTES NOT NULL, relay_id BYTES NOT NULL, connector_id BYTES NOT NULL, opened INT NOT NULL, deadline INT NOT NULL, ended INT NOT NULL);
CREATE INDEX session_past_ended ON session_past (ended);
