ALTER TABLE webhooks DROP COLUMN earlier_secrets_until;
