-- What connectors' gateways found; one row a detector, person, endpoint and hour.
CREATE TABLE incident (id BYTES PRIMARY KEY, app_id BYTES NOT NULL, connector_id BYTES NOT NULL, user_id BYTES NOT NULL, detector TEXT NOT NULL, endpoint TEXT NOT NULL, first INT NOT NULL, last INT NOT NULL, body TEXT NOT NULL);
CREATE INDEX incident_last ON incident (last, id);
CREATE INDEX incident_app ON incident (app_id, last);
