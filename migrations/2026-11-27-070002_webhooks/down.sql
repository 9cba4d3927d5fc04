DROP TABLE webhook_announcements;
DROP TABLE webhook_last_states;
DROP TABLE webhook_position;
DROP TABLE webhook_attempts;
DROP TABLE webhook_deliveries;
DROP TABLE webhooks;
