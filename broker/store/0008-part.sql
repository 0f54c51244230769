-- Parts of an OpenAPI document that is being uploaded, by app and author; start is the offset of its first byte.
CREATE TABLE document_part (app_id BYTES NOT NULL, author BYTES NOT NULL, start INT NOT NULL, doc BYTES NOT NULL, at INT NOT NULL, PRIMARY KEY (app_id, author, start));
