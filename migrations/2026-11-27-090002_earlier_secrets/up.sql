-- Until when each secret signs that came before the one of former_secret_until, the latest first. A secret that was replaced signs
-- until its own time is over, however often the webhook gets another one meanwhile.
ALTER TABLE webhooks ADD COLUMN earlier_secrets_until timestamptz[] NOT NULL DEFAULT '{}';
