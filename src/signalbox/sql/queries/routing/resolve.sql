-- name: resolve.display_names
SELECT id, display_name FROM senders
WHERE account_id = :account_id
    AND id /*pg: = ANY(:ids) */ /*sqlite: IN (SELECT value FROM json_each(:ids)) */;
