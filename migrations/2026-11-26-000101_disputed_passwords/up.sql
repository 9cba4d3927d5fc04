-- More than one password was given for the account while its email was not verified: none of them counts.
ALTER TABLE auth.passwords ADD COLUMN disputed boolean NOT NULL DEFAULT false;

-- The member a mail is for. Without one, the member who has the email when the mail is sent.
ALTER TABLE auth.outbox ADD COLUMN member_id uuid REFERENCES members (id) ON DELETE CASCADE;
