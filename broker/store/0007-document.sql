-- OpenAPI documents of apps by the SHA-256 of their bytes, and which of them an app was held to when: ver is the app's version that named it.
CREATE TABLE document (sha256 BYTES PRIMARY KEY, doc BYTES NOT NULL);
CREATE TABLE document_use (app_id BYTES NOT NULL, ver INT NOT NULL, sha256 BYTES NOT NULL, size INT NOT NULL, title TEXT NOT NULL, version TEXT NOT NULL, operations INT NOT NULL, warnings INT NOT NULL, note TEXT NOT NULL, author BYTES NOT NULL, at INT NOT NULL, PRIMARY KEY (app_id, ver));
CREATE INDEX document_use_sha256 ON document_use (sha256);
