-- name: accounts.key
-- across accounts: one keyring serves the whole database
SELECT key FROM keyring WHERE name = :name;

-- name: accounts.add_key_of_ring
-- across accounts: one keyring serves the whole database
INSERT INTO keyring (name, key) VALUES (:name, :key) ON CONFLICT DO NOTHING;

-- name: accounts.lock_first
-- Several processes may find the database empty at the same time. The lock lets only one of them create the first account.
-- across accounts: a lock of the whole table
-- dialect: sqlite
SELECT 1;

-- name: accounts.lock_first
-- across accounts: a lock of the whole table
-- dialect: postgres
LOCK TABLE accounts IN SHARE ROW EXCLUSIVE MODE;

-- name: accounts.any
-- across accounts: says whether the database has an account
SELECT id FROM accounts LIMIT 1;

-- name: accounts.insert
-- across accounts: creates an account
INSERT INTO accounts (sid, name, status, token_digest, created_at)
VALUES (:sid, :name, 'ACTIVE', :token_digest, :now)
ON CONFLICT DO NOTHING
RETURNING sid, name, status, created_at;

-- name: accounts.list
-- across accounts: the operator's list
SELECT sid, name, status, created_at FROM accounts ORDER BY id;

-- name: accounts.fetch
-- across accounts: the operator names the account
SELECT sid, name, status, created_at FROM accounts WHERE sid = :sid;

-- name: accounts.set_status
-- across accounts: the operator names the account
UPDATE accounts SET status = :status WHERE sid = :sid AND status <> 'DELETING';

-- name: accounts.set_token
-- across accounts: the operator names the account
UPDATE accounts SET token_digest = :token_digest WHERE sid = :sid;

-- name: accounts.id
-- across accounts: maps the SID of an account to its internal id
SELECT id FROM accounts WHERE sid = :sid;

-- name: accounts.by_token
-- across accounts: the account follows from the credential
SELECT id, sid, status, token_digest FROM accounts WHERE sid = :sid;

-- name: accounts.by_key
-- across accounts: the account follows from the credential
SELECT a.id, a.sid, CASE WHEN k.revoked_at IS NULL THEN a.status ELSE 'REVOKED' END AS status, k.secret_digest
FROM api_keys AS k JOIN accounts AS a ON a.id = k.account_id
WHERE k.sid = :sid;

-- name: accounts.insert_api_key
INSERT INTO api_keys (sid, account_id, name, secret_digest, created_at)
VALUES (:sid, :account_id, :name, :secret_digest, :now);

-- name: accounts.list_api_keys
-- across accounts: the operator's list
SELECT k.sid, a.sid AS account_sid, k.name, k.revoked_at, k.created_at
FROM api_keys AS k JOIN accounts AS a ON a.id = k.account_id
ORDER BY a.id, k.created_at, k.sid /*pg: COLLATE "C" */;

-- name: accounts.list_api_keys_of_account
SELECT k.sid, a.sid AS account_sid, k.name, k.revoked_at, k.created_at
FROM api_keys AS k JOIN accounts AS a ON a.id = k.account_id
WHERE k.account_id = :account_id
ORDER BY k.created_at, k.sid /*pg: COLLATE "C" */;

-- name: accounts.revoke_api_key
-- across accounts: the operator names the key. A second revocation keeps the time of the first
UPDATE api_keys SET revoked_at = COALESCE(revoked_at, :now) WHERE sid = :sid;
