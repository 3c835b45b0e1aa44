-- Named contents for messages. content_id may be chosen by the client; id sorts by the time of the entry. content and defaults
-- are JSON.
-- table templates: by account
CREATE TABLE templates (
    account_id INTEGER NOT NULL,
    content_id TEXT /*pg: COLLATE "C" */ NOT NULL,
    id TEXT /*pg: COLLATE "C" */ NOT NULL,
    name TEXT NOT NULL,
    content TEXT NOT NULL,
    defaults TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, content_id)
) /*sqlite: WITHOUT ROWID */;

CREATE UNIQUE INDEX templates_by_time ON templates (account_id, id);

-- As in migration 0004.
/*pg: ALTER TABLE templates ALTER COLUMN account_id SET STATISTICS 0; */
